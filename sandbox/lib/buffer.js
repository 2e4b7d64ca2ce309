// SPDX-License-Identifier: Apache-2.0
// Node's Buffer, and the two functions of the web that rest on it.
const { Buffer } = require('node-buffer');

module.exports = {
    Buffer,
    atob: (text) => Buffer.from(String(text), 'base64').toString('latin1'),
    btoa: (text) => (Buffer.isBuffer(text) ? text : Buffer.from(String(text), 'latin1')).toString('base64'),
};
