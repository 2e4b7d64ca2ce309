// SPDX-License-Identifier: Apache-2.0
// Errors as they travel to the runner, and the JSON reader whose errors say where.
import { intact } from './intact.js';

// What worker.c puts before a script, on its first line.
const headColumns = 18;

// The frames of a stack that are the script's own: those of the libraries explain nothing to it.
function frames(stack) {
    const own = String(stack ?? '').match(/^.*\bsandbox-script\.js:.*$/gm) ?? [];
    const inScript = (line) => line.replace(/(\.js:1:)(\d+)/, (_, at, column) => at + Math.max(1, column - headColumns));
    return own.map((line) => `\n   ${inScript(line.trim())}`).join('');
}

// Whatever was thrown, as {name, message, stack}. A script may throw anything: nothing here may
// throw in turn.
export const describeError = (e, nameless = 'Error') => intact(() => describe(e, nameless));

function describe(e, otherwise) {
    try {
        if (e === null || typeof e !== 'object') return { name: 'Error', message: String(e), stack: '' };
        const name = String(e.name || otherwise);
        const nameless = e.name === undefined && e.message === undefined;
        const text = nameless ? 'the script threw an object that has no message' : String(e.message ?? '');
        const message = name === 'ReferenceError' ? text.replace(/^'(.*)' is not defined$/, '$1 is not defined') : text;
        const head = message ? `${name}: ${message}` : name;
        return { name, message, stack: head + frames(e.stack) };
    } catch {
        return { name: 'Error', message: 'the script threw a value whose name or message can\'t be read', stack: '' };
    }
}

export class JSONError extends Error {
    constructor(message) {
        super(message);
        this.name = 'JSONError';
    }
}

const { parse, stringify } = JSON;

// One token of JSON, or what of one is right before it goes wrong.
const token = /[{}[\],:]|true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][-+]?\d+)?|"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[\da-fA-F]{4}))*"/y;
const blank = /[ \t\r\n]*/y;
const partial = /"(?:[^"\\\u0000-\u001f]|\\["\\/bfnrt]|\\u[\da-fA-F]{4})*/y;

// What may follow, by what was read: the state machine of JSON, with a stack of open brackets.
function findFault(text) {
    const open = [];
    let want = 'value', at = 0;
    const skip = (pattern) => {
        pattern.lastIndex = at;
        const found = pattern.exec(text)?.[0] ?? '';
        return found;
    };
    const isFit = (t) => {
        const inside = open[open.length - 1];
        const close = inside === '{' ? '}' : inside === '[' ? ']' : undefined;
        if (want === 'value or close' && t === close) return 'after';
        if (want.startsWith('value')) return t === '{' || t === '[' ? t : /^[}\],:]$/.test(t) ? undefined : 'after';
        if (want.startsWith('key')) return t[0] === '"' ? 'colon' : want === 'key or close' && t === '}' ? 'after' : undefined;
        if (want === 'colon') return t === ':' ? 'value' : undefined;
        return t === close ? 'after' : t === ',' && inside ? (inside === '{' ? 'key' : 'value') : undefined;
    };
    for (;;) {
        at += skip(blank).length;
        const t = skip(token);
        const next = t && isFit(t);
        if (!next) return at + (t ? 0 : skip(partial).length);
        if (t === '}' || t === ']') open.pop();
        if (next === '{' || next === '[') open.push(next);
        want = next === '{' ? 'key or close' : next === '[' ? 'value or close' : next;
        at += t.length;
    }
}

// Postman's words for the first fault: what is unexpected, where, and its line with a mark under it.
function faultOf(text) {
    const at = findFault(text);
    const before = text.slice(0, at).split(/\r\n|\r|\n/);
    const column = before[before.length - 1].length;
    const found = at < text.length ? `token '${stringify(text[at]).slice(1, -1).replace(/'/g, "\\'").replace(/\\"/g, '"')}'` : 'end of input';
    const from = at - Math.min(column, 69);
    const line = text.slice(from, from + 79).split(/[\r\n]/)[0];
    const mark = text.slice(from, at).replace(/[^\t]/g, ' ');
    return `Unexpected ${found} at ${before.length}:${column + 1}\n${line}\n${mark}^`;
}

// JSON.parse that accepts a byte order mark and names the place of an error.
export function parseJSON(text, reviver) {
    if (typeof text === 'string' && text.charCodeAt(0) === 0xfeff) text = text.slice(1);
    if (text === '' || text === undefined || text === null) {
        throw new JSONError('No data, empty input at 1:1\n\n^');
    }
    try {
        return parse(text, reviver);
    } catch (e) {
        // A reviver throws what it will.
        throw e instanceof SyntaxError ? new JSONError(faultOf(String(text))) : e;
    }
}
