// SPDX-License-Identifier: Apache-2.0
// Property lists: ordered members with a key, looked up by it. Headers, query, form fields, cookies
// and variables are lists. Of several members with one key, `get` and `one` take the last.

export class PropertyList {
    constructor(Type, members, { caseInsensitive = false } = {}) {
        Object.defineProperty(this, 'Type', { value: Type, enumerable: false });
        Object.defineProperty(this, 'caseInsensitive', { value: caseInsensitive, enumerable: false });
        this.members = [];
        this.populate(members);
    }

    make(item) {
        return item instanceof this.Type ? item : new this.Type(item);
    }

    #same(a, b) {
        if (this.caseInsensitive) return String(a).toLowerCase() === String(b).toLowerCase();
        return a === b;
    }

    #at(ref) {
        if (ref === undefined || ref === null) return -1;
        if (typeof ref === 'object') return this.members.indexOf(ref);
        for (let i = this.members.length - 1; i >= 0; i--) {
            if (this.#same(this.members[i][this.Type.key], ref)) return i;
        }
        return -1;
    }

    add(item) {
        if (item === undefined || item === null) return;
        this.members.push(this.make(item));
    }
    append(item) {
        this.add(item);
    }
    prepend(item) {
        this.insert(item, this.members[0]);
    }
    // Puts a member as it is before another one, or at the end; one of the list is moved.
    insert(item, before) {
        if (item === null || typeof item !== 'object') return;
        const known = this.members.indexOf(item);
        if (known >= 0) this.members.splice(known, 1);
        const at = before ? this.indexOf(before) : -1;
        this.members.splice(at < 0 ? this.members.length : at, 0, item);
    }
    insertAfter(item, after) {
        this.insert(item, this.members[this.indexOf(after) + 1]);
    }
    // True when it was added, false when it replaced a member, null when it is nothing.
    upsert(item) {
        if (item === undefined || item === null) return null;
        const existing = this.one(item[this.Type.key]);
        if (existing) existing.update(item);
        else this.add(item);
        return !existing;
    }
    remove(what) {
        if (typeof what === 'function') {
            this.members = this.members.filter((m) => !what(m));
            return;
        }
        const keep = typeof what === 'object'
            ? (m) => m !== what
            : (m) => !this.#same(m[this.Type.key], what);
        this.members = this.members.filter(keep);
    }
    clear() {
        this.members = [];
    }
    populate(items) {
        if (typeof items === 'string') items = this.Type.parse ? this.Type.parse(items) : [];
        if (items instanceof PropertyList) items = items.members;
        if (Array.isArray(items)) {
            for (const item of items) this.add(item);
        } else if (items && typeof items === 'object' && this.Type.create) {
            for (const key of Object.keys(items)) this.add(this.Type.create(items[key], key));
        } else {
            this.add(items);
        }
    }
    repopulate(items) {
        this.clear();
        this.populate(items);
    }
    assimilate(source, prune) {
        const members = source instanceof PropertyList ? source.members : source;
        if (!Array.isArray(members)) return;
        if (prune) {
            const keys = members.map((m) => m[this.Type.key]);
            this.members = this.members.filter((m) => keys.some((k) => this.#same(k, m[this.Type.key])));
        }
        for (const m of members) this.upsert(m);
    }

    all() {
        return this.members.slice();
    }
    one(ref) {
        return this.members[this.#at(ref)];
    }
    get(key) {
        const m = this.one(key);
        return m && m.valueOf();
    }
    idx(i) {
        return this.members[i];
    }
    indexOf(ref) {
        return typeof ref === 'string' ? this.#at(ref) : this.members.indexOf(ref);
    }
    has(ref, value) {
        if (typeof ref !== 'string') return this.members.includes(ref);
        if (arguments.length < 2) return this.#at(ref) >= 0;
        return this.members.some((m) => this.#same(m[this.Type.key], ref) && m.valueOf() === value);
    }
    each(call, context) {
        this.members.slice().forEach(call, context ?? this);
    }
    filter(call, context) {
        return this.members.filter(typeof call === 'function' ? call : matcher(call), context);
    }
    find(call, context) {
        return this.members.find(typeof call === 'function' ? call : matcher(call), context);
    }
    map(call, context) {
        return this.members.map(call, context ?? this);
    }
    reduce(call, first, context) {
        return this.members.reduce(context ? call.bind(context) : call, first);
    }
    count() {
        return this.members.length;
    }
    [Symbol.iterator]() {
        return this.members[Symbol.iterator]();
    }

    toObject(excludeDisabled, caseSensitive, multiValue, sanitize) {
        const out = {};
        const lower = this.caseInsensitive && !caseSensitive;
        for (const m of this.members) {
            if (!m || !Object.hasOwn(m, this.Type.key) || (excludeDisabled && m.disabled)) continue;
            const name = m[this.Type.key];
            if (sanitize && !name) continue;
            const key = lower ? String(name).toLowerCase() : name;
            if ((multiValue || this.Type.multiple) && Object.hasOwn(out, key)) out[key] = [].concat(out[key], [m.valueOf()]);
            else out[key] = m.valueOf();
        }
        return out;
    }
    toJSON() {
        return this.members.map((m) => (typeof m.toJSON === 'function' ? m.toJSON() : { ...m }));
    }
    toString() {
        return this.Type.join ? this.Type.join(this.members) : this.members.join();
    }
    static isPropertyList(v) {
        return v instanceof PropertyList;
    }
}

function matcher(wanted) {
    return (m) => Object.keys(wanted).every((k) => m[k] === wanted[k]);
}
PropertyList._postman_propertyName = 'PropertyList';

// A description is text, or {content, type}.
export function describe(d) {
    return d && typeof d === 'object' ? d.content : d;
}

// What every member may say of itself, first of all in its JSON.
function begin(member, item) {
    if (item && Object.hasOwn(item, 'disabled')) member.disabled = Boolean(item.disabled);
    if (item && item.description !== undefined) member.description = describe(item.description);
}

export class Header {
    static key = 'key';
    static multiple = true;
    constructor(item, name) {
        if (typeof item === 'string') item = typeof name === 'string' ? { key: name, value: item } : Header.parseOne(item);
        begin(this, item);
        this.update(item ?? {});
    }
    update(item) {
        this.key = item.key || item.name || '';
        this.value = item.value === undefined ? '' : item.value;
        if (Object.hasOwn(item, 'system')) this.system = item.system;
        if (Object.hasOwn(item, 'disabled')) this.disabled = item.disabled;
    }
    valueOf() {
        return this.value;
    }
    toString() {
        return `${this.key}: ${this.value}`;
    }
    toJSON() {
        return { ...this };
    }
    static create(value, name) {
        return new Header(value, name);
    }
    static parseOne(line) {
        const at = line.indexOf(':');
        return at < 0 ? { key: line.trim(), value: '' } : { key: line.slice(0, at).trim(), value: line.slice(at + 1).trim() };
    }
    static parse(text) {
        return String(text).split(/\r?\n/).filter((line) => line.trim() !== '').map(Header.parseOne);
    }
    static join(members) {
        return members.filter((m) => !m.disabled).map((m) => `${m.key}: ${m.value}\r\n`).join('');
    }
}

export class HeaderList extends PropertyList {
    constructor(items) {
        super(Header, items, { caseInsensitive: true });
    }
    contentSize() {
        return this.toString().length;
    }
}

// What would end a key or a value is escaped, but for the names of variables.
function escapeParts(text, pattern) {
    return text.replace(/\{\{[^{}]*[&#=][^{}]*\}\}|[&#=]/g, (found) => (found.length === 1 && pattern.includes(found) ? encodeURIComponent(found) : found));
}

// A query parameter; also a field of an urlencoded body.
export class QueryParam {
    static key = 'key';
    static multiple = true;
    constructor(item) {
        begin(this, typeof item === 'string' ? undefined : item);
        this.update(item ?? {});
    }
    update(item) {
        const { key, value, system } = typeof item === 'string' ? QueryParam.parseOne(item) : item;
        this.key = key;
        this.value = value;
        if (system !== undefined) this.system = system;
    }
    valueOf() {
        return typeof this.value === 'string' ? this.value : '';
    }
    toString() {
        return QueryParam.text(this);
    }
    toJSON() {
        return { ...this };
    }
    static text({ key, value }) {
        return (typeof key === 'string' ? escapeParts(key, '&#=') : '') + (typeof value === 'string' ? `=${escapeParts(value, '&#')}` : '');
    }
    static parseOne(pair) {
        const at = pair.indexOf('=');
        return at < 0 ? { key: pair, value: null } : { key: pair.slice(0, at), value: pair.slice(at + 1) };
    }
    // Nothing between two '&' has no key.
    static parse(text) {
        return String(text).split('&').map((pair, i, all) => (pair === '' && i < all.length - 1 ? { key: null, value: null } : QueryParam.parseOne(pair)));
    }
    static join(members) {
        return members.filter((m) => m.disabled !== true).map(QueryParam.text).join('&');
    }
}

export class FormParam {
    static key = 'key';
    static multiple = true;
    constructor(item = {}) {
        begin(this, item);
        this.key = item.key || '';
        this.value = item.value || '';
        for (const k of ['type', 'src', 'contentType', 'fileName']) this[k] = item[k];
    }
    update(item) {
        Object.assign(this, item);
    }
    valueOf() {
        return this.value;
    }
    toString() {
        return `${this.key}=${this.value}`;
    }
    toJSON() {
        const out = { ...this };
        if (out.type === 'file' && !out.value) delete out.value;
        return out;
    }
    static join() {
        return '';
    }
}
