// SPDX-License-Identifier: Apache-2.0
// Properties that are computed when first read, and that a script may overwrite.
import { intact } from './intact.js';

const { defineProperty, getOwnPropertyDescriptor } = Object;
const { WeakSet } = globalThis;
const { __lookupGetter__: getterOf } = Object.prototype;

const getters = new WeakSet();

// Does this getter stand for a value that nobody has asked for yet?
export function isLazy(getter) {
    return getters.has(getter);
}

export function lazy(object, name, compute) {
    const set = (value) => defineProperty(object, name, { value, writable: true, configurable: true, enumerable: true });
    const get = () => {
        const value = intact(compute);
        set(value);
        return value;
    };
    getters.add(get);
    defineProperty(object, name, { configurable: true, enumerable: true, set, get });
}

// Lazy properties that each script finds anew. To define dozens of them costs more than many a
// script does: here they are defined once, and what they stand for is kept beside them.
export class Slots {
    #enumerable;
    #source; // name → how to compute it
    #argument;
    #values;
    #descriptors = new Map();
    #replaced = new Map(); // what the object had before

    constructor(enumerable) {
        this.#enumerable = enumerable;
    }

    #descriptor(name) {
        const get = () => {
            const values = this.#values;
            if (name in values) return values[name];
            values[name] = undefined; // computing it may ask for it: lodash looks whether there is a `_`
            return values[name] = intact(() => this.#source[name](this.#argument));
        };
        const set = (value) => {
            this.#values[name] = value;
        };
        getters.add(get);
        return { get, set, configurable: true, enumerable: this.#enumerable };
    }

    // From now on the properties stand for what source[name](argument) gives; `ready` has values that
    // are there already, so that reading them is no work for intact().
    fill(source, argument, ready) {
        this.#source = source;
        this.#argument = argument;
        this.#values = { __proto__: null, ...ready };
    }

    // Sees to it that the object has one of that name, whatever the script before did to it.
    define(object, name) {
        let d = this.#descriptors.get(name);
        if (d && getterOf.call(object, name) === d.get) return;
        if (!d) {
            this.#replaced.set(name, getOwnPropertyDescriptor(object, name));
            d = this.#descriptor(name);
            this.#descriptors.set(name, d);
        }
        defineProperty(object, name, d);
    }

    withdraw(object, name) {
        const d = this.#descriptors.get(name);
        if (!d || getterOf.call(object, name) !== d.get) return;
        const before = this.#replaced.get(name);
        if (before) defineProperty(object, name, before);
        else delete object[name];
    }
}
