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
export const describeError = (e) => intact(() => describe(e));

function describe(e) {
    try {
        if (e === null || typeof e !== 'object') return { name: 'Error', message: String(e), stack: '' };
        const name = String(e.name || 'Error');
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

const parse = JSON.parse;

// JSON.parse that accepts a byte order mark and names the place of an error.
export function parseJSON(text, reviver) {
    if (typeof text === 'string' && text.charCodeAt(0) === 0xfeff) text = text.slice(1);
    if (text === '' || text === undefined || text === null) {
        throw new JSONError('No data, empty input at 1:1\n\n^');
    }
    try {
        return parse(text, reviver);
    } catch (e) {
        throw new JSONError(String(e.message));
    }
}
