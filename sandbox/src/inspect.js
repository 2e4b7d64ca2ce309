// SPDX-License-Identifier: Apache-2.0
// Values as text for the console, in the manner of Node's util.inspect.
import { describeError } from './errors.js';
import { isLazy } from './lazy.js';

const DEPTH_MAX = 25;
const ITEMS_MAX = 100;
const TEXT_MAX = 1 << 20; // characters of one message: a report isn't the place for more

function quote(text) {
    const mark = !text.includes("'") ? "'" : !text.includes('"') ? '"' : !text.includes('`') ? '`' : "'";
    let out = mark;
    for (const c of text) {
        if (c === '\n') out += '\\n';
        else if (c === '\r') out += '\\r';
        else if (c === '\t') out += '\\t';
        else if (c === '\\') out += '\\\\';
        else if (c === mark) out += `\\${c}`;
        else if (c < ' ' || c === '\x7f') out += `\\x${c.charCodeAt(0).toString(16).padStart(2, '0').toUpperCase()}`;
        else out += c;
    }
    return out + mark;
}

function keyText(key) {
    if (typeof key === 'symbol') return `[${key.toString()}]`;
    return /^[A-Za-z_$][\w$]*$/.test(key) ? key : quote(key);
}

function primitive(v) {
    if (typeof v === 'string') return quote(v);
    if (typeof v === 'bigint') return `${v}n`;
    if (Object.is(v, -0)) return '-0';
    return String(v);
}

function functionText(f) {
    const kind = /^class\b/.test(Function.prototype.toString.call(f)) ? 'class' : 'Function';
    return f.name ? `[${kind}: ${f.name}]` : `[${kind} (anonymous)]`;
}

function nameOf(v) {
    const proto = Object.getPrototypeOf(v);
    if (proto === null) return '[Object: null prototype]';
    return (proto.constructor && proto.constructor.name) || 'Object';
}

// Joins members into one line where they fit, otherwise one a line.
function layout(open, members, close, state, indent) {
    if (!members.length) return `${open}${close}`;
    const line = `${open} ${members.join(', ')} ${close}`;
    const short = line.length + indent <= state.width && !line.includes('\n');
    if (short && members.length <= 6) return line;
    if (short && line.length <= 72) return line;
    const pad = ' '.repeat(indent + 2);
    return `${open}\n${members.map((m) => pad + m).join(',\n')}\n${' '.repeat(indent)}${close}`;
}

function more(count) {
    return count > 0 ? [`... ${count} more item${count > 1 ? 's' : ''}`] : [];
}

function members(v, keys, state, depth, indent) {
    return keys.map((k) => {
        const d = Object.getOwnPropertyDescriptor(v, k);
        if (d && (d.get || d.set) && !isLazy(d.get)) return `${keyText(k)}: [${[d.get && 'Getter', d.set && 'Setter'].filter(Boolean).join('/')}]`;
        return `${keyText(k)}: ${show(v[k], state, depth + 1, indent + 2)}`;
    });
}

function showArray(v, state, depth, indent) {
    const items = [];
    const shown = Math.min(v.length, ITEMS_MAX);
    for (let i = 0; i < shown; i++) items.push(i in v ? show(v[i], state, depth + 1, indent + 2) : '<empty item>');
    const extra = Object.keys(v).filter((k) => !/^\d+$/.test(k));
    const prefix = Array.isArray(v) ? (nameOf(v) === 'Array' ? '' : `${nameOf(v)}(${v.length}) `) : `${nameOf(v)}(${v.length}) `;
    return layout(`${prefix}[`, [...items, ...more(v.length - shown), ...members(v, extra, state, depth, indent)], ']', state, indent);
}

function showSpecial(v, state, depth, indent) {
    if (v instanceof Error) {
        const head = `${v.name}: ${v.message}`;
        const frames = typeof v.stack === 'string' ? v.stack.trimEnd() : '';
        return frames ? `${head}\n${frames}` : `[${head}]`;
    }
    if (v instanceof Date) return Number.isNaN(v.getTime()) ? 'Invalid Date' : v.toISOString();
    if (v instanceof RegExp) return String(v);
    if (v instanceof Promise) return 'Promise { <pending> }';
    if (v instanceof String || v instanceof Number || v instanceof Boolean) return `[${nameOf(v)}: ${primitive(v.valueOf())}]`;
    if (v instanceof Map) {
        const pairs = [...v].map(([k, x]) => `${show(k, state, depth + 1, indent + 2)} => ${show(x, state, depth + 1, indent + 2)}`);
        return layout(`Map(${v.size}) {`, pairs, '}', state, indent);
    }
    if (v instanceof Set) {
        return layout(`Set(${v.size}) {`, [...v].map((x) => show(x, state, depth + 1, indent + 2)), '}', state, indent);
    }
    if (v instanceof ArrayBuffer) return `ArrayBuffer { byteLength: ${v.byteLength} }`;
    if (ArrayBuffer.isView(v) && v._isBuffer) {
        const bytes = Array.from(v.subarray(0, 50), (b) => b.toString(16).padStart(2, '0')).join(' ');
        return `<Buffer ${bytes}${v.length > 50 ? ` ... ${v.length - 50} more bytes` : ''}>`;
    }
    return undefined;
}

function show(v, state, depth, indent) {
    if (typeof v === 'function' && !Object.keys(v).length) return functionText(v);
    if (v === null || (typeof v !== 'object' && typeof v !== 'function')) return primitive(v);
    if (state.seen.includes(v)) return '[Circular *1]';
    if (depth > DEPTH_MAX) return Array.isArray(v) ? '[Array]' : `[${nameOf(v)}]`;
    state.seen.push(v);
    try {
        const special = showSpecial(v, state, depth, indent);
        if (special !== undefined) return special;
        if (Array.isArray(v) || (ArrayBuffer.isView(v) && 'length' in v)) return showArray(v, state, depth, indent);
        const name = nameOf(v);
        const prefix = typeof v === 'function' ? `${functionText(v)} ` : name === 'Object' ? '' : `${name} `;
        return layout(`${prefix}{`, members(v, Object.keys(v), state, depth, indent), '}', state, indent);
    } finally {
        state.seen.pop();
    }
}

export function inspect(v, columns = 80) {
    let text;
    try {
        text = show(v, { seen: [], width: Math.max(columns, 20) - 16 }, 0, 0);
    } catch (e) {
        text = `[a value that cannot be shown: ${describeError(e).message}]`;
    }
    return text.length > TEXT_MAX ? `${text.slice(0, TEXT_MAX)}... ${text.length - TEXT_MAX} more characters` : text;
}
