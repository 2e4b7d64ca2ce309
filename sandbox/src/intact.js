// SPDX-License-Identifier: Apache-2.0
// Scripts share the prelude's realm and may replace what every program stands on. What matters here
// (reports, timers, questions, variables) is done by intact(), with the originals in place: see
// src/js/intact.h.
const { getPrototypeOf, ownKeys } = Reflect;

// The natives whose members the prelude uses. Not Date: scripts set clocks, and nothing here stands
// on one.
const used = [
    'Object', 'Function', 'Array', 'ArrayBuffer', 'BigInt', 'Boolean', 'Error', 'JSON', 'Map', 'Number', 'Promise', 'Proxy',
    'RangeError', 'RegExp', 'Set', 'String', 'Symbol', 'SyntaxError', 'TypeError', 'Uint8Array', 'WeakMap', 'WeakSet', 'Math',
    'Reflect',
];
let host;

// Does the work with the language as it was, and returns its result.
export const intact = (work) => host.intact(work);

// The language is to be as it is now; `own` are classes of the prelude that scripts can reach.
export function keepIntact(theHost, global, own) {
    host = theHost;
    const keep = (thing) => host.keep(thing, ownKeys(thing));
    keep(Object.prototype); // first: see intact.h
    // Each script finds a JSON of its own kind.
    host.keep(global, ownKeys(global).filter((name) => name !== 'JSON'));
    for (const name of used) {
        keep(global[name]);
        if (name !== 'Object' && global[name].prototype) keep(global[name].prototype);
    }
    keep(getPrototypeOf(Uint8Array));
    keep(getPrototypeOf(Uint8Array).prototype);
    for (const iterable of [[], '', new Map(), new Set(), ''.matchAll(/x/g)]) keep(getPrototypeOf(iterable[Symbol.iterator]()));
    keep(getPrototypeOf(getPrototypeOf([][Symbol.iterator]())));
    for (const asked of [Array.prototype, String.prototype, Function.prototype]) host.keep(asked, ['toJSON']);
    for (const kind of own) keep(kind.prototype);
}
