// SPDX-License-Identifier: Apache-2.0
// Libraries: compiled at build time, loaded when first asked for, one instance per worker.

// What `require` knows: name → how to get it.
const providers = {
    chai: (load) => load('chai'),
    lodash: (load) => load('lodash'),
    buffer: (load) => load('buffer'),
    atob: (load) => load('buffer').atob,
    btoa: (load) => load('buffer').btoa,
};

let host;
const loaded = new Map();

function load(library) {
    if (!loaded.has(library)) loaded.set(library, host.load(library));
    return loaded.get(library);
}

export const modules = {
    // Globals of the legacy API that are libraries.
    globals: { _: 'lodash', atob: 'atob', btoa: 'btoa' },
    init(theHost) {
        host = theHost;
    },
    load,
    require(name) {
        if (!Object.hasOwn(providers, name)) throw new Error(`Cannot find module '${name}'`);
        return providers[name](load);
    },
};
