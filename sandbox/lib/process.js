// SPDX-License-Identifier: Apache-2.0
// What libraries written for Node ask of `process`. Each bundle that does has its own; scripts have
// none.
export const process = {
    browser: true,
    env: {},
    version: '',
    nextTick: (call, ...values) => Promise.resolve().then(() => call(...values)),
};
