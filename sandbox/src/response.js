// SPDX-License-Identifier: Apache-2.0
// pm.response and the responses of pm.sendRequest. The body stays in the worker's memory as it came
// and becomes text when a script asks for it.
import { parseJSON } from './errors.js';
import { HeaderList } from './list.js';
import { contentInfo } from './media.js';
import { reasonOf } from './status.js';

export class Response {
    static name = 'PostmanResponse'; // as messages of chai show it
    #body;
    #text;

    // `body` gives the bytes: text(latin1) and buffer().
    constructor(source, body) {
        source = source || {};
        this.#body = body || literalBody(source);
        if (source.id !== undefined) this.id = source.id;
        if (source.code !== undefined) this.code = Number(source.code);
        if (source.status !== undefined || source.reason !== undefined) this.status = source.status ?? source.reason;
        this.headers = new HeaderList(source.header ?? source.headers);
        this.cookies = source.cookies;
        this.responseTime = source.responseTime;
        this.responseSize = source.responseSize;
        if (source.downloadedBytes !== undefined) this.downloadedBytes = source.downloadedBytes;
        if (source.headerBytes !== undefined) hide(this, 'headerBytes', source.headerBytes);
        if (source.originalRequest !== undefined) this.originalRequest = source.originalRequest;
    }

    get stream() {
        return this.#body.buffer();
    }
    text() {
        if (this.#text === undefined) this.#text = this.#body.text(isLatin1(charsetOf(this)));
        return this.#text;
    }
    json(reviver) {
        return parseJSON(this.text(), reviver);
    }
    jsonp(reviver) {
        const wrapped = /^\s*[\w$.]+\s*\(([\s\S]*)\)\s*;?\s*$/.exec(this.text());
        return parseJSON(wrapped ? wrapped[1] : this.text(), reviver);
    }
    reason() {
        return this.status || reasonOf(this.code).name;
    }
    details() {
        const known = reasonOf(this.code);
        const out = { ...known, code: this.code, name: this.status || known.name };
        return known.name ? { ...out, standardName: known.name } : out;
    }
    size() {
        const body = this.downloadedBytes ?? this.responseSize ?? this.text().length;
        const header = this.headerBytes ?? this.headers.contentSize();
        return { body, header, total: body + header };
    }
    encoding() {
        const format = this.headers.get('content-encoding');
        return format ? { format, source: 'header' } : { format: undefined, source: undefined };
    }
    contentInfo() {
        const header = (name) => String(this.headers.get(name) ?? '');
        return contentInfo(header('content-type'), header('content-disposition'), charsetOf(this));
    }
    dataURI() {
        return `data:${this.contentInfo().contentType};base64, ${this.stream.toString('base64')}`;
    }
    mime() {
        throw new Error('`Response#mime` has been discontinued, use `Response#contentInfo` instead.');
    }
    toJSON() {
        const out = { id: this.id, status: this.status, code: this.code, header: this.headers.toJSON() };
        return Object.assign(out, { stream: this.stream, cookie: [], responseTime: this.responseTime, responseSize: this.responseSize });
    }
    static isResponse(v) {
        return v instanceof Response;
    }
}

function hide(object, name, value) {
    Object.defineProperty(object, name, { value, enumerable: false, configurable: true, writable: true });
}

function literalBody(source) {
    const text = typeof source.body === 'string' ? source.body : '';
    return { text: () => text, buffer: () => globalThis.Buffer.from(source.stream ?? text) };
}

function charsetOf(response) {
    const found = /charset\s*=\s*"?([^\s";]+)/i.exec(String(response.headers.get('content-type') ?? ''));
    return found ? found[1].toLowerCase() : undefined;
}

function isLatin1(charset) {
    return /^(iso-?8859-1|latin1|l1|windows-1252|cp1252|us-ascii|ascii)$/.test(charset ?? '');
}
