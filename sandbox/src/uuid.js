// SPDX-License-Identifier: Apache-2.0
// The module `uuid` as Postman has it: a function that makes version 4, and itself again as v4.
export function uuid() {
    const hex = () => Math.floor(Math.random() * 16);
    return 'xxxxxxxx-xxxx-4xxx-yxxx-xxxxxxxxxxxx'.replace(/[xy]/g, (c) => (c === 'x' ? hex() : (hex() & 3) | 8).toString(16));
}
uuid.v4 = () => uuid();
