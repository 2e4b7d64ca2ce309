// SPDX-License-Identifier: Apache-2.0
// Libraries: compiled at build time, loaded when first asked for, one instance per worker.
import { parseJSON } from './errors.js';
import { intact } from './intact.js';
import { timerNames } from './timers.js';
import { uuid } from './uuid.js';

// Those that are a library of sandbox/lib each.
const libraries = [
    'ajv', 'assert', 'backbone', 'buffer', 'chai', 'cheerio', 'crypto-js', 'events', 'lodash', 'moment', 'path',
    'postman-collection', 'punycode', 'querystring', 'stream', 'string_decoder', 'tv4', 'url', 'util', 'xml2js',
];
const { hasOwn } = Object;
const { stringify } = JSON;

let host;
const loaded = new Map();

const load = (library) => intact(() => {
    if (!loaded.has(library)) loaded.set(library, host.load(library, find));
    return loaded.get(library);
});

// What `require` knows: name → how to get it.
const providers = {
    atob: () => load('buffer').atob,
    btoa: () => load('buffer').btoa,
    'csv-parse/lib/sync': () => load('csv-parse'),
    fs: () => ({}),
    json: () => ({ parse: parseJSON, stringify }),
    os: () => ({}),
    timers: () => Object.fromEntries(timerNames.map((name) => [name, (...values) => globalThis[name](...values)])),
    uuid: () => uuid,
};
for (const name of libraries) providers[name] = () => load(name);

// For the libraries themselves.
function find(name) {
    const plain = String(name).replace(/\/$/, ''); // "util/": the package, not Node's own
    if (!hasOwn(providers, plain)) throw new Error(`Cannot find module '${name}'`);
    return providers[plain]();
}

// What a script was given it may have changed.
let given = false;
const give = (library) => {
    given = true;
    return load(library);
};

function require(name) {
    given = true;
    return find(name);
}

// XML as an object, undefined when it is none.
function xml2Json(text) {
    let out = {};
    const options = { explicitArray: false, async: false, trim: true, mergeAttrs: false };
    load('xml2js').parseString(text, options, (e, result) => {
        out = result;
    });
    return out;
}

export const modules = {
    // Globals of the legacy API that are libraries: name → how to get it.
    globals: {
        _: () => give('lodash3'),
        CryptoJS: () => give('crypto-js'),
        atob: providers.atob,
        btoa: providers.btoa,
        tv4: () => give('tv4'),
        xml2Json: () => xml2Json,
        Backbone: () => give('backbone'),
        cheerio: () => give('cheerio'),
    },
    init(theHost) {
        host = theHost;
    },
    load,
    given: () => given,
    // A library that changes the natives: as it leaves them they are kept from now on.
    extend(library) {
        intact(() => {
            load(library);
            host.renew();
        });
    },
    require,
};
