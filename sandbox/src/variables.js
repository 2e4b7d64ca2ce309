// SPDX-License-Identifier: Apache-2.0
// Variable scopes: pm.environment, pm.globals, pm.collectionVariables, pm.variables and
// pm.iterationData.
import { intact } from './intact.js';
import { PropertyList } from './list.js';
import { uuid } from './uuid.js';

const { stringify, parse } = JSON;
const identity = (v) => v;
function asJSON(v) {
    try {
        return typeof v === 'string' ? v : stringify(v);
    } catch {
        return 'null';
    }
}
const fromJSON = (fits) => (v) => {
    try {
        const value = parse(v);
        return fits(value) ? value : undefined;
    } catch {
        return undefined;
    }
};
// How a value of each type is stored and read back.
const casts = {
    __proto__: null,
    any: { in: identity, out: identity },
    string: { in: String, out: String },
    number: { in: Number, out: Number },
    boolean: { in: Boolean, out: Boolean },
    array: { in: asJSON, out: fromJSON(Array.isArray) },
    object: { in: asJSON, out: fromJSON((v) => v instanceof Object && !Array.isArray(v)) },
};

// Other types than those above ("secret", "default") are kept, and mean any.
export class Variable {
    static key = 'key';
    constructor(item) {
        item = item || {};
        if (item.disabled || item.enabled === false) this.disabled = true;
        this.type = item.type === undefined || item.type === null ? 'any' : String(item.type).toLowerCase();
        this.value = undefined;
        if (item.key !== undefined || item.id !== undefined) this.key = item.key === undefined ? item.id : item.key;
        if ('value' in item) this.set(item.value);
    }
    update(item) {
        if (item.type !== undefined && item.type in casts) this.type = item.type;
        if ('value' in item) this.set(item.value);
    }
    get #cast() {
        return casts[this.type] ?? casts.any;
    }
    get() {
        return this.#cast.out(typeof this.value === 'function' ? this.value() : this.value);
    }
    set(value) {
        this.value = typeof value === 'function' ? value : this.#cast.in(value);
    }
    valueOf() {
        return this.get();
    }
    toString() {
        const value = this.get();
        return value === undefined ? '' : String(value);
    }
    toJSON() {
        return { ...this };
    }
}

export class VariableScope {
    #layers;
    #touched = new Map(); // key → { value: as it was given, secret, removed: also removed before }
    #cleared = false;
    #gone = new Set(); // keys that were there then

    constructor({ id, name, values } = {}, layers = []) {
        this.id = id;
        if (name) this.name = name;
        this.values = new PropertyList(Variable, values);
        this.#layers = layers;
        Object.defineProperty(this, 'values', { writable: false });
    }

    #own(key) {
        const members = this.values.members;
        for (let i = members.length - 1; i >= 0; i--) {
            if (members[i].key === key && !members[i].disabled) return members[i];
        }
        return undefined;
    }
    #find(key) {
        const own = this.#own(key);
        if (own) return own;
        for (const layer of this.#layers) {
            const found = layer.#own(key);
            if (found) return found;
        }
        return undefined;
    }

    get(key) {
        return this.#find(key)?.get();
    }
    has(key) {
        return this.#find(key) !== undefined;
    }
    set(key, value, type) {
        if (key === undefined || key === null) return;
        if (typeof key === 'object') ({ key, value, type } = key);
        intact(() => this.#set(key, value, type));
    }
    #set(key, value, type) {
        const own = this.#own(key);
        const update = type === undefined ? { key, value } : { key, value, type };
        if (own) own.update(update);
        else this.values.add(update);
        this.#touched.set(key, { value, secret: type === 'secret', removed: Boolean(this.#touched.get(key)?.removed) });
    }
    unset(key) {
        intact(() => {
            this.values.remove((v) => v.key === key && !v.disabled);
            this.#touched.delete(key);
            this.#touched.set(key, { removed: true });
        });
    }
    clear() {
        intact(() => {
            for (const { key } of this.values.members) this.#gone.add(key);
            this.values.clear();
            this.#touched.clear();
            this.#cleared = true;
        });
    }
    toObject(excludeDisabled, caseSensitive) {
        const out = {};
        const all = [...this.#layers].reverse().concat(this);
        for (const scope of all) {
            for (const v of scope.values.members) if (!excludeDisabled || !v.disabled) out[v.key] = v.get();
        }
        return out;
    }
    syncVariablesTo(target = {}) {
        return Object.assign(target, this.toObject());
    }
    syncVariablesFrom(object) {
        for (const key of Object.keys(object || {})) this.set(key, object[key]);
    }
    variables() {
        return this.syncVariablesTo();
    }

    // Replaces {{name}} up to 19 times over, so that values may hold names again.
    replaceIn(template) {
        if (template === null || template === undefined) return template;
        if (typeof template === 'string') return this.#replaceText(template);
        if (typeof template !== 'object') return template;
        if (Array.isArray(template)) return template.map((t) => this.replaceIn(t));
        const source = typeof template.toJSON === 'function' ? template.toJSON() : template;
        return Object.fromEntries(Object.keys(source).map((k) => [k, this.replaceIn(source[k])]));
    }
    #replaceText(text) {
        for (let round = 0; round < 19; round++) {
            let changed = false;
            text = text.replace(/\{\{([^{}]*?)\}\}/g, (whole, key) => {
                const value = this.#find(key) ?? VariableScope.dynamic(key);
                changed = true;
                return value === undefined ? whole : String(value);
            });
            if (!changed) break;
        }
        return text;
    }

    toJSON() {
        return { id: this.id, name: this.name, values: this.values.toJSON() };
    }

    // What scripts did to the scope, as messages.js wants it: values as they are at the end, which the
    // scope's own variable casts by its type. `attempt` gives undefined for one that can't be written.
    changes(scope, attempt) {
        const local = scope === 'local';
        const atOnce = local || ![...this.#touched.keys()].some((key) => this.#own(key));
        const unset = (key) => ({ scope, kind: 'unset', key: String(key) });
        const out = !this.#cleared ? [] : atOnce ? [{ scope, kind: 'clear' }] : [...this.#gone].filter((key) => !this.#own(key)).map(unset);
        for (const [key, { value, secret, removed }] of this.#touched) {
            const own = this.#own(key);
            const name = String(key);
            // One that is set again is the one that was there, and casts by its type.
            if (!own || (removed && local)) out.push(unset(key));
            // What JSON has no word for (NaN, functions) arrives as null. pm.variables are handed on as they
            // are, with types, and undefined stays so.
            const text = own && (local && own.value === undefined ? '' : attempt(() => stringify(local ? own.value : value) ?? 'null'));
            const type = local && own ? own.type : secret ? 'secret' : undefined;
            if (text !== undefined) out.push({ scope, kind: 'set', key: name, value: text, type });
        }
        return out;
    }
    static isVariableScope(v) {
        return v instanceof VariableScope;
    }
}

// The dynamic variables that scripts ask for. Requests get all of Postman's from the runner.
VariableScope.dynamic = (name) => {
    switch (name) {
        case '$guid':
        case '$randomUUID':
            return uuid();
        case '$timestamp':
            return Math.floor(Date.now() / 1000);
        case '$isoTimestamp':
            return new Date().toISOString();
        case '$randomInt':
            return Math.floor(Math.random() * 1001);
        default:
            return undefined;
    }
};
