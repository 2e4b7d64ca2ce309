// SPDX-License-Identifier: Apache-2.0
// Scripts share the prelude's realm and may replace what every program stands on. What matters here
// (reports, timers, questions, variables) is done by intact(), with the originals in place: see
// src/js/intact.h.
const { getOwnPropertyDescriptor, getPrototypeOf, ownKeys } = Reflect;

// The natives that the prelude uses, and others that libraries do. Not Date: scripts set clocks, and
// nothing here stands on one.
const used = [
    'Object', 'Function', 'Array', 'ArrayBuffer', 'Error', 'JSON', 'Map', 'Math', 'Number', 'Promise', 'Reflect', 'RegExp', 'Set',
    'String', 'Symbol', 'TypeError', 'WeakSet',
];
const others = ['BigInt', 'Boolean', 'Proxy', 'RangeError', 'SyntaxError', 'Uint8Array', 'WeakMap'];

let host;

// What scripts may add to, and how many properties each has; Date, which they may set.
const watched = [];
const clocks = [Date, Date.prototype];
const handsOf = () => clocks.flatMap((clock) => ownKeys(clock).map((key) => {
    const { get, value } = getOwnPropertyDescriptor(clock, key);
    return get ?? value; // a getter may stand for a library that nobody has asked for yet
}));
let sizes, hands;

// Does the work with the language as it was, and returns its result.
export const intact = (work) => host.intact(work);

// The language is to be as it is now; `own` are classes of the prelude that scripts can reach.
export function keepIntact(theHost, global, own) {
    host = theHost;
    const keep = (thing, isUsed) => {
        watched.push(thing);
        host.keep(thing, ownKeys(thing), isUsed);
    };
    keep(Object.prototype, true); // first: see intact.h
    for (const name of [...used, ...others]) {
        const isUsed = used.includes(name);
        keep(global[name], isUsed);
        if (name !== 'Object' && global[name].prototype) keep(global[name].prototype, isUsed);
    }
    for (const iterable of [[], '', new Map(), new Set(), ''.matchAll(/x/g)]) keep(getPrototypeOf(iterable[Symbol.iterator]()), true);
    keep(getPrototypeOf(getPrototypeOf([][Symbol.iterator]())), true);
    keep(getPrototypeOf(Uint8Array), false);
    keep(getPrototypeOf(Uint8Array).prototype, false);
    for (const asked of [Array, String, Function]) host.keep(asked.prototype, ['toJSON'], true);
    for (const kind of own) keep(kind.prototype, false);
    host.keep(global, [...used, ...others].filter((name) => name !== 'JSON'), true);
    // Each script finds a JSON of its own kind.
    host.keep(global, ownKeys(global).filter((name) => name !== 'JSON'), false);
}

// The language is now as the first script finds it.
export function rememberFirst() {
    sizes = watched.map((thing) => ownKeys(thing).length);
    hands = handsOf();
}

export function isAsFirst() {
    const now = handsOf();
    return watched.every((thing, i) => ownKeys(thing).length === sizes[i]) && now.length === hands.length && now.every((hand, i) => hand === hands[i]);
}
