// SPDX-License-Identifier: Apache-2.0
// pm.request, and what pm.sendRequest accepts.
import { describe, FormParam, Header, HeaderList, PropertyList, QueryParam } from './list.js';
import { modules } from './modules.js';
import { Url } from './url.js';
import { Variable } from './variables.js';

const { stringify, parse } = JSON;

const names = new Map([[QueryParam, 'urlencoded'], [FormParam, 'formdata']]);
const graphqlOf = ({ query, operationName, variables }) => ({ query, operationName, variables });

export class RequestBody {
    constructor(source) {
        this.update(source);
    }
    update(source) {
        if (typeof source === 'string') source = { mode: 'raw', raw: source };
        if (!source || !source.mode) return;
        const known = String(source.mode).toLowerCase();
        this.mode = ['raw', 'urlencoded', 'formdata', 'file', 'graphql'].includes(known) ? known : 'raw';
        const list = (Type, items) => (items || this.mode === names.get(Type) ? new PropertyList(Type, items || []) : undefined);
        this.raw = this.mode === 'raw' ? source.raw || '' : source.raw;
        this.urlencoded = list(QueryParam, source.urlencoded);
        this.formdata = list(FormParam, source.formdata);
        this.file = typeof source.file === 'string' ? { src: source.file } : source.file;
        this.graphql = source.graphql ? graphqlOf(source.graphql) : this.mode === 'graphql' ? {} : source.graphql;
        this.options = source.options && typeof source.options === 'object' ? source.options : undefined;
        this.disabled = source.disabled;
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
        return this.mode === 'raw' && content ? String(content) : '';
    }
    toJSON() {
        const out = {};
        for (const k of ['mode', 'raw', 'urlencoded', 'formdata', 'file', 'graphql', 'options', 'disabled']) {
            const v = this[k];
            if (v !== undefined) out[k] = v instanceof PropertyList ? v.toJSON() : v;
        }
        return out;
    }
}

// {type, [type]: [{key, value}]} as an object with the parameters of each type as a list.
export class RequestAuth {
    constructor(source) {
        const { type, ...parameters } = source || {};
        if (type) this.use(type);
        for (const k of Object.keys(parameters)) this.update(parameters[k], k);
    }
    update(parameters, type = this.type) {
        if (typeof type !== 'string' || type === 'type' || !parameters || typeof parameters !== 'object') return;
        this.#take(type, parameters);
    }
    use(type, parameters) {
        if (typeof type !== 'string' || type === 'type') return;
        this.type = type;
        this.#take(type, parameters ?? []);
    }
    #take(type, parameters) {
        if (!(this[type] instanceof PropertyList)) this[type] = new PropertyList(Variable);
        this[type].assimilate(pairs(parameters));
    }
    parameters() {
        return this[this.type];
    }
    clear(type) {
        if (!(this[type] instanceof PropertyList)) return;
        if (type === this.type) this[type].clear();
        else delete this[type];
    }
    toJSON() {
        const out = { type: this.type };
        for (const k of Object.keys(this)) {
            if (this[k] instanceof PropertyList) out[k] = this[k].toJSON();
        }
        return out;
    }
}

function pairs(parameters) {
    if (Array.isArray(parameters) || parameters instanceof PropertyList) return parameters;
    return Object.keys(parameters).map((key) => ({ key, value: parameters[key] }));
}

export class Request {
    constructor(source) {
        if (typeof source === 'string' || source instanceof Url) source = { url: source };
        if (source?.description !== undefined) this.description = describe(source.description);
        this.url = new Url();
        this.headers = new HeaderList();
        this.method = 'GET';
        this.update(source);
    }
    update(source) {
        if (!source) return;
        if ('url' in source) this.url.update(source.url);
        const headers = source.header ?? source.headers;
        if (headers) this.headers.repopulate(headers);
        if ('method' in source) this.method = String(source.method ?? 'GET').toUpperCase();
        if (source.body !== undefined) this.body = new RequestBody(source.body instanceof RequestBody ? source.body.toJSON() : source.body);
        if (source.auth) this.auth = new RequestAuth(source.auth);
        if (source.proxy !== undefined) this.proxy = source.proxy;
        if (source.certificate !== undefined) this.certificate = source.certificate;
    }
    addHeader(header) {
        this.headers.add(header);
    }
    upsertHeader(header) {
        if (!header || !header.key) return;
        const existing = this.headers.find({ key: header.key });
        if (existing) existing.value = header.value;
        else this.headers.add(header);
    }
    removeHeader(name, { ignoreCase } = {}) {
        const wanted = typeof name === 'string' ? name : name.key;
        if (!wanted) return;
        const same = (key) => (ignoreCase ? key.toLowerCase() === wanted.toLowerCase() : key === wanted);
        this.headers.remove((h) => same(h.key));
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
        if (type && typeof type === 'object' && (options === undefined || options === null)) ({ type, ...options } = type);
        if (type === null) {
            this.auth = undefined;
            return;
        }
        if (typeof type !== 'string' || type === 'type') return;
        if (this.auth) this.auth.clear(type);
        else this.auth = new RequestAuth();
        this.auth.use(type, options);
    }
    // A declared length counts, else that of the body as it is written.
    size() {
        const declared = this.headers.get('Content-Length');
        const isDeclared = Boolean(declared) && /^[0-9]+$/.test(declared);
        const written = () => (this.body ? modules.load('buffer').Buffer.byteLength(this.body.toString()) : 0);
        const body = isDeclared ? Number(declared) : written();
        const header = `${this.method} ${this.url.getPathWithQuery()} HTTP/X.X\r\n\r\n`.length + this.headers.contentSize();
        return { body, header, total: body + header, source: isDeclared ? 'CONTENT-LENGTH' : 'COMPUTED' };
    }
    clone() {
        return new Request(this.toJSON());
    }
    // Scripts may replace parts by plain values; other headers than a list of them are none.
    toJSON() {
        const part = (v, Kind) => (v instanceof Kind ? v : new Kind(v)).toJSON();
        const out = this.description === undefined ? {} : { description: this.description };
        out.url = part(this.url, Url);
        if (this.headers instanceof HeaderList && this.headers.count()) out.header = this.headers.toJSON();
        out.method = String(this.method).toUpperCase();
        if (this.body) out.body = part(this.body, RequestBody);
        if (this.auth) out.auth = part(this.auth, RequestAuth);
        for (const k of ['proxy', 'certificate']) if (this[k] !== undefined) out[k] = this[k];
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
