// SPDX-License-Identifier: Apache-2.0
// Where this engine strays from ECMAScript and a script would notice.

// It writes a zero before the digits of some large numbers in bases that are powers of two; scripts
// that count the digits of a key's modulus then compute nonsense.
const toString = BigInt.prototype.toString;
const mended = {
    toString(radix) {
        return toString.call(this, radix).replace(/^(-?)0+(?=.)/, '$1');
    },
};
Object.defineProperty(BigInt.prototype, 'toString', { value: mended.toString, writable: true, configurable: true });

// V8's, which libraries call to leave themselves out of a stack trace.
const { defineProperty } = Object;
defineProperty(Error, 'captureStackTrace', {
    value: function captureStackTrace(target) {
        const { stack } = new Error();
        defineProperty(target, 'stack', { value: stack, writable: true, configurable: true });
    },
    writable: true,
    configurable: true,
});
