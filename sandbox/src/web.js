// SPDX-License-Identifier: Apache-2.0
// Globals of the web that Postman's newer sandbox has. Each is made when a script first reads it.
import { makeIntl } from './locale.js';
import { uuid } from './uuid.js';

const { defineProperty, getOwnPropertyDescriptor } = Object;

// ---- errors and events

const errorCodes = { DataCloneError: 25, AbortError: 20, TimeoutError: 23, QuotaExceededError: 22, InvalidCharacterError: 5 };

export class DOMException extends Error {
    constructor(message = '', name = 'Error') {
        super(message);
        defineProperty(this, 'name', { value: name, configurable: true });
        defineProperty(this, 'code', { value: errorCodes[name] ?? 0 });
    }
}

class Event {
    constructor(type, { cancelable = false } = {}) {
        Object.assign(this, { type: String(type), cancelable, defaultPrevented: false, target: null });
    }
    preventDefault() {
        if (this.cancelable) this.defaultPrevented = true;
    }
}

class EventTarget {
    #listeners = new Map();
    addEventListener(type, listener, options) {
        if (!listener) return;
        const list = this.#listeners.get(type) ?? [];
        if (!list.some((l) => l.listener === listener)) list.push({ listener, once: Boolean(options?.once) });
        this.#listeners.set(type, list);
    }
    removeEventListener(type, listener) {
        this.#listeners.set(type, (this.#listeners.get(type) ?? []).filter((l) => l.listener !== listener));
    }
    dispatchEvent(event) {
        event.target = this;
        this[`on${event.type}`]?.(event);
        for (const { listener, once } of [...(this.#listeners.get(event.type) ?? [])]) {
            if (once) this.removeEventListener(event.type, listener);
            if (typeof listener === 'function') listener.call(this, event);
            else listener.handleEvent(event);
        }
        return !event.defaultPrevented;
    }
}

class AbortSignal extends EventTarget {
    aborted = false;
    reason = undefined;
    onabort = null;
    throwIfAborted() {
        if (this.aborted) throw this.reason;
    }
    static abort(reason) {
        const controller = new AbortController();
        controller.abort(reason);
        return controller.signal;
    }
}

class AbortController {
    signal = new AbortSignal();
    abort(reason = new DOMException('This operation was aborted', 'AbortError')) {
        const { signal } = this;
        if (signal.aborted) return;
        Object.assign(signal, { aborted: true, reason });
        signal.dispatchEvent(new Event('abort'));
    }
}

// ---- structuredClone

function cloneBytes(view, seen) {
    const buffer = clone(view.buffer, seen);
    return new view.constructor(buffer, view.byteOffset, view instanceof DataView ? view.byteLength : view.length);
}

function cloneMembers(value, copy, seen) {
    for (const key of Object.keys(value)) copy[key] = clone(value[key], seen);
    return copy;
}

function clone(value, seen) {
    if (typeof value === 'function' || typeof value === 'symbol') {
        throw new DOMException(`${typeof value === 'symbol' ? String(value) : value} could not be cloned.`, 'DataCloneError');
    }
    if (value === null || typeof value !== 'object') return value;
    if (seen.has(value)) return seen.get(value);
    const keep = (copy) => {
        seen.set(value, copy);
        return copy;
    };
    if (Array.isArray(value)) return cloneMembers(value, keep(new Array(value.length)), seen);
    if (value instanceof Date) return keep(new Date(value.getTime()));
    if (value instanceof RegExp) return keep(new RegExp(value.source, value.flags));
    if (value instanceof ArrayBuffer) return keep(value.slice(0));
    if (ArrayBuffer.isView(value)) return keep(cloneBytes(value, seen));
    if (value instanceof Map) {
        const copy = keep(new Map());
        for (const [k, v] of [...value]) copy.set(clone(k, seen), clone(v, seen));
        return copy;
    }
    if (value instanceof Set) {
        const copy = keep(new Set());
        for (const v of [...value]) copy.add(clone(v, seen));
        return copy;
    }
    if (value instanceof Error) {
        const copy = keep(new (globalThis[value.name] ?? Error)(value.message));
        defineProperty(copy, 'stack', { value: value.stack, writable: true, configurable: true });
        return copy;
    }
    if (value instanceof Promise || value instanceof WeakMap) {
        throw new DOMException(`${Object.prototype.toString.call(value)} could not be cloned.`, 'DataCloneError');
    }
    return cloneMembers(value, keep({}), seen);
}

// ---- texts and bytes

const encoders = (host) => ({
    TextEncoder: class TextEncoder {
        encoding = 'utf-8';
        encode(text = '') {
            return new Uint8Array(host.bytes(String(text)));
        }
    },
    TextDecoder: class TextDecoder {
        constructor(label = 'utf-8', { fatal = false } = {}) {
            const latin1 = /^(?:iso-?8859-1|latin1|windows-1252|ascii|us-ascii)$/i.test(label);
            if (!latin1 && !/^utf-?8$/i.test(label)) throw new RangeError(`The encoding label provided ('${label}') is invalid.`);
            Object.assign(this, { encoding: latin1 ? 'windows-1252' : 'utf-8', fatal: Boolean(fatal) });
        }
        decode(bytes = new ArrayBuffer(0)) {
            const whole = bytes instanceof ArrayBuffer ? new Uint8Array(bytes) : bytes;
            const text = host.text(whole.buffer, whole.byteOffset, whole.byteLength, this.encoding !== 'utf-8');
            if (this.fatal && text.includes('\ufffd')) throw new TypeError('The encoded data was not valid for encoding utf-8');
            return text.replace(/^\ufeff/, '');
        }
    },
});

const makeCrypto = (host) => ({
    getRandomValues(array) {
        const view = new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
        if (view.length > 65536) throw new DOMException('The requested length exceeds 65,536 bytes', 'QuotaExceededError');
        view.set(new Uint8Array(host.random(view.length)));
        return array;
    },
    randomUUID: uuid,
});

// ---- URL

const encodeForm = (text) => encodeURIComponent(text).replace(/%20/g, '+').replace(/[!'()~]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
const decodeForm = (text) => {
    const spaced = text.replace(/\+/g, ' ');
    try {
        return decodeURIComponent(spaced);
    } catch {
        return spaced;
    }
};

class URLSearchParams {
    #pairs = [];
    #changed;
    constructor(source = '', changed = () => {}) {
        if (typeof source === 'string') this.#read(source);
        else if (typeof source[Symbol.iterator] === 'function') for (const [k, v] of source) this.#pairs.push([String(k), String(v)]);
        else for (const k of Object.keys(source)) this.#pairs.push([k, String(source[k])]);
        this.#changed = typeof changed === 'function' ? changed : () => {};
    }
    #read(text) {
        for (const piece of text.replace(/^\?/, '').split('&')) {
            if (!piece) continue;
            const at = piece.indexOf('=');
            this.#pairs.push(at < 0 ? [decodeForm(piece), ''] : [decodeForm(piece.slice(0, at)), decodeForm(piece.slice(at + 1))]);
        }
    }
    get size() {
        return this.#pairs.length;
    }
    append(key, value) {
        this.#pairs.push([String(key), String(value)]);
        this.#changed();
    }
    delete(key) {
        this.#pairs = this.#pairs.filter(([k]) => k !== String(key));
        this.#changed();
    }
    get(key) {
        return this.#pairs.find(([k]) => k === String(key))?.[1] ?? null;
    }
    getAll(key) {
        return this.#pairs.filter(([k]) => k === String(key)).map(([, v]) => v);
    }
    has(key) {
        return this.#pairs.some(([k]) => k === String(key));
    }
    set(key, value) {
        const first = this.#pairs.find(([k]) => k === String(key));
        if (!first) return this.append(key, value);
        first[1] = String(value);
        this.#pairs = this.#pairs.filter((pair) => pair === first || pair[0] !== first[0]);
        this.#changed();
    }
    sort() {
        this.#pairs.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
        this.#changed();
    }
    forEach(call, self) {
        for (const [k, v] of this.#pairs) call.call(self, v, k, this);
    }
    * keys() {
        for (const [k] of this.#pairs) yield k;
    }
    * values() {
        for (const [, v] of this.#pairs) yield v;
    }
    entries() {
        return this.#pairs.map((pair) => [...pair])[Symbol.iterator]();
    }
    [Symbol.iterator]() {
        return this.entries();
    }
    toString() {
        return this.#pairs.map(([k, v]) => `${encodeForm(k)}=${encodeForm(v)}`).join('&');
    }
}

const ports = { 'http:': '80', 'https:': '443', 'ws:': '80', 'wss:': '443', 'ftp:': '21' };
const whole = /^([a-z][a-z\d+.-]*:)(?:\/\/(?:([^/?#@:]*)(?::([^/?#@]*))?@)?(\[[^\]]*\]|[^/?#:]*)(?::(\d*))?)?([^?#]*)(\?[^#]*)?(#.*)?$/i;
// What may not stand in a URL, percent-encoded.
const encoded = (text) => text.replace(/[^\x21-\x7e]+/gu, (c) => encodeURIComponent(c));

function withoutDots(path) {
    const out = [];
    const pieces = path.split('/').slice(1);
    pieces.forEach((piece, i) => {
        const last = i === pieces.length - 1;
        if (piece === '..') out.pop();
        if (piece !== '..' && piece !== '.') out.push(piece);
        else if (last) out.push('');
    });
    return `/${out.join('/')}`;
}

// A relative reference beside its base (RFC 3986 §5.2).
function resolve(text, base) {
    if (whole.test(text)) return text;
    if (base === undefined) return undefined;
    const { protocol, href, pathname, search, hash } = new URL(String(base));
    const authority = href.slice(0, href.length - (pathname + search + hash).length);
    if (text.startsWith('//')) return protocol + text;
    if (text.startsWith('/')) return authority + text;
    if (text.startsWith('?')) return authority + pathname + text;
    if (text.startsWith('#') || !text) return authority + pathname + search + text;
    return authority + pathname.slice(0, pathname.lastIndexOf('/') + 1) + text;
}

class URL {
    #query;
    constructor(text, base) {
        const found = whole.exec(resolve(String(text).trim(), base) ?? '');
        const special = found && Object.hasOwn(ports, found[1].toLowerCase());
        if (!found || (special && !found[4])) throw Object.assign(new TypeError('Invalid URL'), { code: 'ERR_INVALID_URL', input: String(text) });
        const [, protocol, username = '', password = '', hostname = '', port = '', path, search = '', hash = ''] = found;
        this.protocol = protocol.toLowerCase();
        Object.assign(this, { username, password, hostname: special ? hostname.toLowerCase() : hostname });
        this.port = port === ports[this.protocol] ? '' : port;
        this.pathname = special ? withoutDots(encoded(path || '/')) : path;
        this.hash = hash === '#' ? '' : encoded(hash);
        this.search = search;
    }
    get search() {
        return this.query;
    }
    set search(text) {
        const plain = String(text).replace(/^\?/, '');
        defineProperty(this, 'query', { value: plain && `?${encoded(plain)}`, configurable: true });
        this.#query = undefined;
    }
    get searchParams() {
        this.#query ??= new URLSearchParams(this.query, () => {
            const text = this.#query.toString();
            defineProperty(this, 'query', { value: text && `?${text}`, configurable: true });
        });
        return this.#query;
    }
    get host() {
        return this.port ? `${this.hostname}:${this.port}` : this.hostname;
    }
    get origin() {
        return Object.hasOwn(ports, this.protocol) ? `${this.protocol}//${this.host}` : 'null';
    }
    get href() {
        const user = this.username || this.password ? `${this.username}${this.password ? `:${this.password}` : ''}@` : '';
        const authority = this.hostname || Object.hasOwn(ports, this.protocol) ? `//${user}${this.host}` : '';
        return this.protocol + authority + this.pathname + this.query + this.hash;
    }
    toString() {
        return this.href;
    }
    toJSON() {
        return this.href;
    }
    static canParse(text, base) {
        try {
            return Boolean(new URL(text, base));
        } catch {
            return false;
        }
    }
}

// ---- all

const makers = {
    Intl: makeIntl,
    URL: () => URL,
    URLSearchParams: () => URLSearchParams,
    TextEncoder: (host) => encoders(host).TextEncoder,
    TextDecoder: (host) => encoders(host).TextDecoder,
    crypto: makeCrypto,
    DOMException: () => DOMException,
    Event: () => Event,
    EventTarget: () => EventTarget,
    AbortController: () => AbortController,
    AbortSignal: () => AbortSignal,
    structuredClone: () => function structuredClone(value) {
        return clone(value, new Map());
    },
};

export function offerWeb(host, global) {
    for (const name of Object.keys(makers)) {
        if (getOwnPropertyDescriptor(global, name)) continue;
        const set = (value) => defineProperty(global, name, { value, writable: true, configurable: true });
        const get = () => {
            set(makers[name](host));
            return Reflect.get(global, name);
        };
        defineProperty(global, name, { get, set, configurable: true });
    }
}
