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
        this.members.unshift(this.make(item));
    }
    insert(item, before) {
        const at = this.#at(before);
        this.members.splice(at < 0 ? this.members.length : at, 0, this.make(item));
    }
    insertAfter(item, after) {
        const at = this.#at(after);
        this.members.splice(at < 0 ? this.members.length : at + 1, 0, this.make(item));
    }
    // True when it was added, false when it replaced a member, null when it is nothing.
    upsert(item) {
        if (item === undefined || item === null) return null;
        const member = this.make(item);
        const at = this.#at(member[this.Type.key]);
        if (at < 0) {
            this.members.push(member);
            return true;
        }
        if (typeof this.members[at].update === 'function') this.members[at].update(member);
        else this.members[at] = member;
        return false;
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
        } else if (items && typeof items === 'object') {
            for (const key of Object.keys(items)) this.add({ key, value: items[key] });
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
        return m && (typeof m.valueOf() === 'object' ? m.value : m.valueOf());
    }
    idx(i) {
        return this.members[i];
    }
    indexOf(ref) {
        return typeof ref === 'object' ? this.members.indexOf(ref) : this.#at(ref);
    }
    has(ref, value) {
        if (arguments.length < 2) return this.#at(typeof ref === 'object' && ref ? ref[this.Type.key] : ref) >= 0;
        return this.members.some((m) => this.#same(m[this.Type.key], ref) && m.value === value);
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
            if (!m || (excludeDisabled && m.disabled)) continue;
            const name = m[this.Type.key];
            if (sanitize && !name) continue;
            const key = lower ? String(name).toLowerCase() : name;
            if ((multiValue || this.Type.multiple) && Object.hasOwn(out, key)) {
                out[key] = [].concat(out[key], m.value);
            } else {
                const v = m.valueOf();
                out[key] = v !== null && typeof v === 'object' && 'value' in v ? v.value : v;
            }
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

export class Header {
    static key = 'key';
    static multiple = true;
    constructor(item, name) {
        if (typeof item === 'string') {
            if (name !== undefined) item = { key: name, value: item };
            else [item] = Header.parse(item);
        }
        item = item || {};
        this.key = item.key ?? item.name ?? '';
        this.value = item.value === undefined || item.value === null ? '' : String(item.value);
        if (item.system) this.system = true;
        if (item.disabled) this.disabled = true;
        if (item.description !== undefined) this.description = describe(item.description);
    }
    update({ key, value, disabled }) {
        this.key = key;
        this.value = value;
        if (disabled !== undefined) this.disabled = disabled;
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
        return new Header({ key: name, value });
    }
    static parse(text) {
        const out = [];
        for (const line of String(text).split(/\r?\n/)) {
            const at = line.indexOf(':');
            if (line.trim() === '') continue;
            if (at < 0) out.push({ key: line.trim(), value: '' });
            else out.push({ key: line.slice(0, at).trim(), value: line.slice(at + 1).trim() });
        }
        return out;
    }
    static join(members) {
        return members.filter((m) => !m.disabled).map((m) => `${m}\r\n`).join('');
    }
}

export class HeaderList extends PropertyList {
    constructor(items) {
        super(Header, items, { caseInsensitive: true });
    }
    contentSize() {
        const text = this.toString();
        let bytes = text.length ? text.length : 0;
        for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) > 0x7f) bytes++;
        return bytes;
    }
}

// A query parameter; also a field of an urlencoded body.
export class QueryParam {
    static key = 'key';
    static multiple = true;
    constructor(item) {
        if (typeof item === 'string') [item] = QueryParam.parse(item);
        item = item || {};
        this.key = item.key === undefined ? null : item.key;
        this.value = item.value === undefined ? null : item.value;
        if (item.system) this.system = true;
        if (item.disabled) this.disabled = true;
        if (item.description !== undefined) this.description = describe(item.description);
    }
    update(item) {
        this.key = item.key;
        this.value = item.value;
        if (item.disabled !== undefined) this.disabled = item.disabled;
    }
    valueOf() {
        return typeof this.value === 'string' ? this.value : '';
    }
    toString() {
        const key = this.key === null ? '' : String(this.key);
        return this.value === null ? key : `${key}=${this.value}`;
    }
    toJSON() {
        return { ...this };
    }
    static parse(text) {
        return String(text).split('&').map((pair) => {
            const at = pair.indexOf('=');
            return at < 0 ? { key: pair, value: null } : { key: pair.slice(0, at), value: pair.slice(at + 1) };
        });
    }
    static join(members) {
        return members.filter((m) => !m.disabled).join('&');
    }
}

export class FormParam {
    static key = 'key';
    static multiple = true;
    constructor(item) {
        Object.assign(this, item);
        if (item && item.description !== undefined) this.description = describe(item.description);
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
        return { ...this };
    }
    static parse(text) {
        return QueryParam.parse(text);
    }
}

// A path variable of a URL.
export class PathVariable {
    static key = 'key';
    constructor(item) {
        Object.assign(this, item);
        if (this.key === undefined && this.id !== undefined) this.key = this.id;
    }
    update(item) {
        Object.assign(this, item);
    }
    get() {
        return this.value;
    }
    set(value) {
        this.value = value;
    }
    valueOf() {
        return this.value;
    }
    toString() {
        return String(this.value);
    }
    toJSON() {
        return { ...this };
    }
}
