// SPDX-License-Identifier: Apache-2.0
// pm.request, and what pm.sendRequest accepts.
import { describe, FormParam, Header, HeaderList, PropertyList, QueryParam } from './list.js';
import { Url } from './url.js';

const { stringify, parse } = JSON;

export class RequestBody {
    constructor(source) {
        this.update(source);
    }
    update(source) {
        if (!source) return;
        if (typeof source === 'string') source = { mode: 'raw', raw: source };
        this.mode = source.mode;
        this.raw = source.raw;
        this.file = typeof source.file === 'string' ? { src: source.file } : source.file;
        this.graphql = source.graphql;
        this.urlencoded = source.urlencoded === undefined && this.mode !== 'urlencoded'
            ? undefined : new PropertyList(QueryParam, source.urlencoded);
        this.formdata = source.formdata === undefined && this.mode !== 'formdata'
            ? undefined : new PropertyList(FormParam, source.formdata);
        if (source.options !== undefined) this.options = source.options;
        if (source.disabled) this.disabled = true;
    }
    isEmpty() {
        const content = this[this.mode];
        if (!this.mode || content === undefined || content === null) return true;
        if (this.mode === 'file') return !(content.src || content.content);
        if (content instanceof PropertyList) return content.count() === 0;
        return typeof content === 'string' ? content.length === 0 : Object.keys(content).length === 0;
    }
    toString() {
        const content = this[this.mode];
        if (this.mode === 'urlencoded') return content ? content.toString() : '';
        if (this.mode === 'raw') return content ? String(content) : '';
        return content && typeof content.toString === 'function' && this.mode === 'formdata' ? content.toString() : '';
    }
    toJSON() {
        const out = {};
        for (const k of ['mode', 'raw', 'file', 'graphql', 'urlencoded', 'formdata', 'options', 'disabled']) {
            const v = this[k];
            if (v !== undefined) out[k] = v instanceof PropertyList ? v.toJSON() : v;
        }
        return out;
    }
}

// {type, [type]: [{key, value}]} as an object with the parameters of the type as a list.
export class RequestAuth {
    constructor(source) {
        this.update(source);
    }
    update(source, type) {
        if (typeof source === 'string') return this.use(source);
        source = source || {};
        this.type = type || source.type;
        if (!this.type || this.type === 'noauth') return;
        this[this.type] = new PropertyList(PropertyAny, pairs(source[this.type] ?? (type ? source : undefined)));
    }
    use(type, parameters) {
        this.type = type;
        this[type] = new PropertyList(PropertyAny, pairs(parameters));
    }
    parameters() {
        return this[this.type];
    }
    toJSON() {
        const out = { type: this.type };
        for (const k of Object.keys(this)) {
            if (this[k] instanceof PropertyList) out[k] = this[k].toJSON();
        }
        return out;
    }
}

class PropertyAny {
    static key = 'key';
    constructor(item) {
        Object.assign(this, item);
    }
    valueOf() {
        return this.value;
    }
    update(item) {
        this.value = item.value;
    }
    toJSON() {
        return { ...this };
    }
}

function pairs(parameters) {
    if (!parameters || Array.isArray(parameters) || parameters instanceof PropertyList) return parameters;
    return Object.keys(parameters).map((key) => ({ type: 'any', value: parameters[key], key }));
}

export class Request {
    constructor(source) {
        this.update(typeof source === 'string' || source instanceof Url ? { url: source } : source || {});
    }
    update(source) {
        if (typeof source === 'string') source = { url: source };
        this.url = source.url instanceof Url ? source.url : new Url(source.url);
        this.headers = new HeaderList(source.header ?? source.headers);
        this.method = String(source.method ?? 'GET').toUpperCase();
        if (source.body) this.body = source.body instanceof RequestBody ? source.body : new RequestBody(source.body);
        if (source.auth) this.auth = source.auth instanceof RequestAuth ? source.auth : new RequestAuth(source.auth);
        if (source.proxy !== undefined) this.proxy = source.proxy;
        if (source.certificate !== undefined) this.certificate = source.certificate;
        if (source.description !== undefined) this.description = describe(source.description);
    }
    addHeader(header) {
        this.headers.add(header);
    }
    upsertHeader(header) {
        if (header) this.headers.upsert(header);
    }
    removeHeader(name, { ignoreCase = true } = {}) {
        if (!name) return;
        const wanted = String(name.key ?? name);
        this.headers.remove((h) => (ignoreCase ? h.key.toLowerCase() === wanted.toLowerCase() : h.key === wanted));
    }
    getHeaders(options = {}) {
        const { ignoreCase, enabled, multiValue, sanitizeKeys } = options;
        return this.headers.toObject(enabled, !ignoreCase, multiValue, sanitizeKeys);
    }
    forEachHeader(call) {
        this.headers.each((h) => call(h, this));
    }
    addQueryParams(params) {
        this.url.addQueryParams(params);
    }
    removeQueryParams(params) {
        this.url.removeQueryParams(params);
    }
    authorizeUsing(type, options) {
        if (type && typeof type === 'object') [type, options] = [type.type, type[type.type] ?? options];
        if (type === null) {
            this.auth = undefined;
            return;
        }
        if (!this.auth) this.auth = new RequestAuth();
        this.auth.use(type, options);
    }
    size() {
        const body = this.body && !this.body.isEmpty() ? this.body.toString().length : 0;
        const header = this.headers.contentSize();
        return { body, header, total: body + header, source: 'COMPUTED' };
    }
    clone() {
        return new Request(this.toJSON());
    }
    // Scripts may replace parts by plain values; other headers than a list of them are none.
    toJSON() {
        const part = (v, Kind) => (v instanceof Kind ? v : new Kind(v)).toJSON();
        const out = { url: part(this.url, Url), method: this.method };
        if (this.headers instanceof HeaderList && this.headers.count()) out.header = this.headers.toJSON();
        if (this.body) out.body = part(this.body, RequestBody);
        if (this.auth) out.auth = part(this.auth, RequestAuth);
        for (const k of ['proxy', 'certificate', 'description']) if (this[k] !== undefined) out[k] = this[k];
        return out;
    }
    static isRequest(v) {
        return v instanceof Request;
    }
}

// What sendRequest was given, as a request object of Collection v2.1. Scripts may replace parts of
// a request by plain values, so every part is built anew.
export function requestJSON(request) {
    const plain = {
        url: request.url,
        method: request.method,
        header: request.headers ?? request.header,
        body: request.body,
        auth: request.auth,
    };
    const json = new Request(parse(stringify(plain))).toJSON();
    if (!json.header) json.header = [];
    return json;
}

export { Header };
