// SPDX-License-Identifier: Apache-2.0
// pm.cookies: the cookies of the request's URL, and the jar behind them. The jar is the runner's;
// here are questions to it.
import { PropertyList } from './list.js';
import { Url } from './url.js';

function decode(text) {
    try {
        return decodeURIComponent(text);
    } catch {
        return text;
    }
}

export class Cookie {
    static key = 'name';
    constructor(item) {
        item = item || {};
        const value = item.value ? encodeURIComponent(decode(item.value)) : undefined;
        const parts = { ...item, name: item.name ?? item.key, value };
        for (const k of ['name', 'expires', 'maxAge', 'domain', 'path', 'secure', 'httpOnly', 'hostOnly', 'session', 'value', 'extensions']) {
            if (parts[k] !== undefined) this[k] = parts[k];
        }
        if (typeof this.expires === 'string') this.expires = new Date(this.expires);
    }
    valueOf() {
        return decode(this.value);
    }
    toString() {
        return `${this.name}=${this.value}`;
    }
    toJSON() {
        return { ...this };
    }
}

export class CookieList extends PropertyList {
    // Cookies of the runner, which leaves out what they don't have.
    constructor(items) {
        super(Cookie, items && items.map((c) => ({ maxAge: 0, ...c, expires: c.expires === undefined ? null : new Date(c.expires) })));
    }
}

function callback(name, fn) {
    if (typeof fn !== 'function') throw new TypeError(`CookieJar.${name}() requires a callback function`);
    return fn;
}

export class CookieJar {
    #ask;
    constructor(ask) {
        this.#ask = ask; // (operation, answered(error, cookies))
    }
    #url(name, url) {
        if (url instanceof Url) return url.toString(true);
        if (typeof url === 'string' && url) return new Url(url).toString(true);
        throw new TypeError(`CookieJar.${name}() requires a valid url`);
    }

    get(url, name, call) {
        const at = this.#url('get', url);
        callback('get', call);
        if (typeof name !== 'string') throw new TypeError('CookieJar.get() requires cookie name to be a string');
        this.#ask({ op: 'get', url: at, name }, (e, list) => {
            if (e) call(e);
            else call(null, list.length ? new Cookie(list[0]).valueOf() : null);
        });
    }
    getAll(url, options, call) {
        const at = this.#url('getAll', url);
        if (typeof options === 'function' && !call) [call, options] = [options, {}];
        callback('getAll', call);
        if (typeof options !== 'object') throw new TypeError('CookieJar.getAll() requires options to be an object');
        this.#ask({ op: 'get', url: at }, (e, list) => (e ? call(e) : call(null, new CookieList(list))));
    }
    set(url, name, value, call) {
        const at = this.#url('set', url);
        if (typeof value === 'function' && !call) [call, value] = [value, undefined];
        const operation = { op: 'set', url: at };
        let cookie;
        if (name && typeof name === 'object') cookie = new Cookie(name);
        else if (typeof name !== 'string') throw new TypeError('CookieJar.set() requires cookie name to be a string');
        else if (value === undefined) operation.value = name;
        else cookie = new Cookie({ name, value });
        // It is set as it is given.
        if (cookie) operation.cookie = { ...cookie, value: String((typeof name === 'object' ? name : { value }).value ?? '') };
        this.#ask(operation, (e) => {
            if (typeof call === 'function') e ? call(e) : call(null, cookie);
        });
    }
    unset(url, name, call) {
        const at = this.#url('unset', url);
        if (typeof name !== 'string') throw new TypeError('CookieJar.unset() requires cookie name to be a string');
        this.#ask({ op: 'unset', url: at, name }, (e) => typeof call === 'function' && call(e ?? null));
    }
    clear(url, call) {
        const at = this.#url('clear', url);
        this.#ask({ op: 'clear', url: at }, (e) => typeof call === 'function' && call(e ?? null));
    }
}
