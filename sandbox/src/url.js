// SPDX-License-Identifier: Apache-2.0
// URLs as Postman sees them: parts that may hold {{variables}}, put together again as they were.
import { PropertyList, QueryParam } from './list.js';
import { Variable } from './variables.js';

// Splits at `sep` outside of {{…}}.
function split(text, sep) {
    const parts = [''];
    let depth = 0;
    for (let i = 0; i < text.length; i++) {
        if (text.startsWith('{{', i)) depth++;
        else if (depth && text.startsWith('}}', i)) depth--;
        if (text[i] === sep && !depth) parts.push('');
        else parts[parts.length - 1] += text[i];
    }
    return parts;
}

// The text before and after the first match of `sep` outside of {{…}}; undefined without one.
function cut(text, sep) {
    const bare = text.replace(/\{\{[^{}]*\}\}/g, (m) => '\0'.repeat(m.length));
    const at = bare.indexOf(sep);
    return at < 0 ? undefined : [text.slice(0, at), text.slice(at + sep.length)];
}

function cutLast(text, sep) {
    const bare = text.replace(/\{\{[^{}]*\}\}/g, (m) => '\0'.repeat(m.length));
    const at = bare.lastIndexOf(sep);
    return at < 0 ? undefined : [text.slice(0, at), text.slice(at + 1)];
}

function parseUrl(text) {
    const out = {};
    let rest = String(text).trim();
    let parts = cut(rest, '#');
    if (parts) [rest, out.hash] = parts;
    parts = cut(rest, '?');
    if (parts) {
        rest = parts[0];
        out.query = QueryParam.parse(parts[1]);
    }
    rest = rest.replace(/\\/g, '/');
    parts = cut(rest, '://');
    if (parts) [out.protocol, rest] = parts;
    parts = cut(rest, '/');
    if (parts) {
        rest = parts[0];
        out.path = split(parts[1], '/');
    }
    parts = cutLast(rest, '@');
    if (parts) {
        rest = parts[1];
        const [user, password] = cut(parts[0], ':') || [parts[0]];
        out.auth = { user, password };
    }
    parts = cutLast(rest, ':');
    if (parts && !parts[1].includes(']')) [rest, out.port] = parts;
    if (rest) out.host = split(rest, '.');
    return out;
}

// The name of the variable that a part of a path begins with: ":id" and ":id.json" have id.
function variableOf(part) {
    if (typeof part !== 'string' || part[0] !== ':') return undefined;
    const dot = part.indexOf('.');
    return dot < 0 ? part.slice(1) : part.slice(1, dot);
}

function strings(list, sep) {
    if (list === undefined || list === null) return undefined;
    if (typeof list === 'string') return split(sep === '/' ? list.replace(/^\//, '') : list, sep);
    return Array.isArray(list) ? list.map((p) => (p && typeof p === 'object' ? p.value : p)) : undefined;
}

// A query may be an object of names and values.
function pairs(query) {
    const named = query && typeof query === 'object' && !Array.isArray(query) && !(query instanceof PropertyList);
    return named ? Object.keys(query).map((key) => ({ key, value: query[key] })) : query;
}

export class Url {
    constructor(source) {
        this.update(source);
    }
    update(source) {
        if (source instanceof Url) source = source.toJSON();
        if (source === undefined || source === null) source = '';
        let from = source;
        if (typeof source !== 'object') from = parseUrl(source);
        else if (source.host === undefined && source.path === undefined && source.raw !== undefined) {
            from = { ...parseUrl(source.raw), variable: source.variable };
        }
        this.auth = from.auth && (from.auth.user !== undefined || from.auth.password !== undefined)
            ? { user: from.auth.user, password: from.auth.password } : undefined;
        this.protocol = typeof from.protocol === 'string' ? from.protocol.replace(/:\/\/$/, '') : undefined;
        this.port = from.port === undefined || from.port === null ? undefined : String(from.port);
        this.path = strings(from.path, '/');
        this.hash = from.hash ?? undefined;
        this.host = strings(from.host, '.');
        this.query = new PropertyList(QueryParam, pairs(from.query));
        this.variables = new PropertyList(Variable, from.variable ?? from.variables);
        if (typeof source === 'string') this.nameVariables();
    }

    // As the URL that was sent has them: by name, without values.
    nameVariables() {
        const names = new Set((this.path ?? []).map(variableOf).filter((name) => name));
        this.variables.repopulate([...names].map((key) => ({ key })));
    }

    // Scripts may replace a list by its text.
    getHost() {
        return this.host ? (strings(this.host, '.') ?? []).join('.') : '';
    }
    getRemote(forcePort) {
        const host = this.getHost();
        const port = this.port ?? (forcePort ? (this.protocol === 'https' ? '443' : '80') : undefined);
        return port ? `${host}:${port}` : host;
    }
    getPath(unresolved) {
        const path = this.path ? strings(this.path, '/') ?? [] : [];
        if (unresolved === true || (unresolved && unresolved.unresolved)) return `/${path.join('/')}`;
        const filled = path.map((part) => {
            const name = variableOf(part);
            const value = name && this.variables.get(name);
            return value && typeof value === 'string' ? value + part.slice(name.length + 1) : part;
        });
        return `/${filled.join('/')}`;
    }
    getQueryString() {
        return this.query.toString();
    }
    getPathWithQuery() {
        const query = this.query.count() ? this.getQueryString() : '';
        return this.getPath() + (query ? `?${query}` : '');
    }
    getOAuth1BaseUrl() {
        const protocol = (this.protocol || 'http').toLowerCase();
        const port = this.port ? Number(this.port) : undefined;
        const shown = port === undefined || port === 80 || port === 443 ? '' : `:${port}`;
        return `${protocol}://${this.getHost().toLowerCase()}${shown}${this.getPath()}`;
    }
    addQueryParams(params) {
        this.query.populate(params);
    }
    removeQueryParams(names) {
        const gone = new Set([].concat(names).map((n) => (n && n.key) || n));
        this.query.remove((p) => gone.has(p.key));
    }

    toString(forceProtocol) {
        let out = this.protocol ? `${this.protocol}://` : forceProtocol ? 'http://' : '';
        if (this.auth) {
            if (typeof this.auth.user === 'string') out += this.auth.user;
            if (typeof this.auth.password === 'string') out += `:${this.auth.password}`;
            if (typeof this.auth.user === 'string' || typeof this.auth.password === 'string') out += '@';
        }
        out += this.getHost();
        if (this.port) out += `:${this.port}`;
        if (this.path) out += this.getPath();
        if (this.query.members.some((p) => !p.disabled)) out += `?${this.getQueryString()}`;
        if (typeof this.hash === 'string') out += `#${this.hash}`;
        return out;
    }
    toJSON() {
        const out = {};
        for (const k of ['auth', 'protocol', 'port', 'path', 'hash', 'host']) {
            if (this[k] !== undefined) out[k] = this[k];
        }
        const { query } = this;
        out.query = (query instanceof PropertyList ? query : new PropertyList(QueryParam, query)).toJSON();
        out.variable = this.variables.toJSON();
        return out;
    }
    static parse(text) {
        return parseUrl(text);
    }
    static isUrl(v) {
        return v instanceof Url;
    }
}
