// SPDX-License-Identifier: Apache-2.0
// Scripts that attack the language they run in: each ends with a clear error or passes, what it says
// with pm is reported, and the next script finds everything as it was (threat 45).
import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { envOf, run, serve, tempDir } from './lib.mjs';

const schema = 'https://schema.getpostman.com/json/collection/v2.1.0/collection.json';
// A loop takes that much of a processor; a script that waits for an answer must have longer.
const LIMIT_MS = 800;
const LONG_MS = 60_000;

const natives = ['Object', 'Function', 'Array', 'ArrayBuffer', 'BigInt', 'Boolean', 'Error', 'JSON', 'Map', 'Math', 'Number',
  'Promise', 'Proxy', 'Reflect', 'RegExp', 'Set', 'String', 'Symbol', 'TypeError', 'Uint8Array', 'WeakMap', 'WeakSet'];
const methods = {
  'Object': ['keys', 'defineProperty', 'create', 'getPrototypeOf', 'assign', 'entries', 'fromEntries', 'hasOwn'],
  'Object.prototype': ['toString', 'hasOwnProperty', 'valueOf'],
  'Function.prototype': ['call', 'apply', 'bind', 'toString'],
  'Array': ['isArray', 'from'],
  'Array.prototype': ['push', 'map', 'filter', 'flatMap', 'join', 'slice', 'splice', 'concat', 'includes', 'indexOf', 'some', 'every',
    'find', 'forEach', 'reduce', 'reverse', 'Symbol.iterator', 'values'],
  'String.prototype': ['match', 'replace', 'slice', 'trim', 'split', 'startsWith', 'indexOf', 'includes', 'toLowerCase', 'charCodeAt',
    'repeat', 'Symbol.iterator'],
  'RegExp.prototype': ['exec', 'test', 'Symbol.replace', 'Symbol.match'],
  'Map.prototype': ['get', 'set', 'delete', 'has', 'values', 'clear', 'Symbol.iterator'],
  'Set.prototype': ['add', 'has', 'delete'],
  'WeakSet.prototype': ['add', 'has'],
  'Promise.prototype': ['then', 'catch', 'finally'],
  'Promise': ['resolve', 'reject'],
  'JSON': ['stringify', 'parse'],
  'Math': ['max', 'min', 'ceil', 'floor'],
  'Number': ['isNaN'],
  'Number.prototype': ['toString'],
  'Reflect': ['apply', 'get', 'ownKeys', 'defineProperty'],
  'Object.getPrototypeOf([][Symbol.iterator]())': ['next'],
  'Object.getPrototypeOf(new Map().entries())': ['next'],
};
const loop = 'for (;;);';

// Each gives every row of attacks a kind of its own.
const replaced = Object.entries(methods).flatMap(([owner, names]) => names.flatMap((name) => {
  const place = `o[${name.startsWith('Symbol') ? name : `'${name}'`}]`;
  const to = (what) => `const o = ${owner}; ${place} = ${what};`;
  return [to("() => { throw 'thrower' }"), to("() => 'liar'"), to(`() => { ${loop} }`)];
}));
const gone = natives.flatMap((name) => [`${name} = undefined;`, `delete all.${name};`]);

const quiet = [
  ...replaced, ...gone,
  'Object.prototype.toJSON = Array.prototype.toJSON = String.prototype.toJSON = () => "mine";',
  "Object.prototype.get = Object.prototype.set = Object.prototype.value = () => { throw 'descriptor' };",
  "for (const k of ['passed', 'skipped', 'error', 'id', 'failure', 'disabled', 'type', 'timeout', 'skip', 'request']) Object.prototype[k] = true;",
  "for (const k of ['passed', 'error', 'then']) Object.defineProperty(Object.prototype, k, { get() { throw 'getter' }, configurable: true });",
  "Object.defineProperty(Object.prototype, 'then', { value: 5 });",
  "for (const k of ['toJSON', 'disabled']) Object.defineProperty(Object.prototype, k, { get() { return k === 'disabled' ? undefined : 5 } });",
  `Object.defineProperty(Array, Symbol.species, { get() { ${loop} }, configurable: true });`,
  'Object.defineProperty(Promise, Symbol.species, { value: function () { throw 1 }, configurable: true });',
  "Object.prototype[Symbol.toPrimitive] = () => { throw 'primitive' };",
  'Object.setPrototypeOf(Array.prototype, new Proxy({}, { get() { throw 1 }, has() { throw 1 }, set() { throw 1 } }));',
  'Object.setPrototypeOf(Function.prototype, null); Object.setPrototypeOf(Error.prototype, null);',
  'Object.freeze(Object.prototype); Object.freeze(Array.prototype); Object.freeze(all);',
  'Object.freeze(pm.environment); Object.freeze(pm);',
  "for (const k of Reflect.ownKeys(all)) if (k !== 'pm' && k !== 'console' && k !== 'setTimeout') delete all[k];",
  'for (const k of Reflect.ownKeys(Array.prototype)) try { delete Array.prototype[k] } catch {}',
  "Object.defineProperty(Error.prototype, 'stack', { get() { throw 1 } });",
  "Error.prepareStackTrace = () => { throw 1 }; Error.captureStackTrace = null;",
  "RegExp.prototype.exec = () => ({ index: 0, 0: '' }); Object.defineProperty(RegExp.prototype, 'flags', { get() { return 'g' } });",
  'Promise.prototype.constructor = Array.prototype.constructor = 5;',
  'isNaN = parseInt = decodeURIComponent = eval = 5;',
];

// What a script does → what becomes of it: its error.
const loud = {
  "Object.defineProperty(all, 'pm', { value: {}, configurable: false })": /^$/,
  "Object.defineProperty(all, 'console', { get() { throw 1 }, configurable: false })": /^$/,
  "for (const k of Reflect.ownKeys(all)) if (k !== 'Reflect') Object.defineProperty(all, k, { value: 1 })": /./,
  "for (const k of Reflect.ownKeys(all)) delete all[k]": /^$/,
  "Array.prototype.map = Array.prototype.flatMap = () => []; Object.freeze(Array.prototype)": /^$/,
  "Object.defineProperty(Array.prototype, 'push', { value() {}, writable: false, configurable: false }); [].push()": /^$/,
  'throw null': /^null$/,
  'throw undefined': /^undefined$/,
  "throw 'text'": /^text$/,
  "throw Symbol('s')": /^Symbol\(s\)$/,
  'throw { toString() { throw 1 } }': /^the script threw an object that has no message$/,
  "throw { get message() { throw 1 } }": /the script threw a value whose name or message can't be read/,
  "throw { name: { toString() { throw 1 } } }": /the script threw a value whose name or message can't be read/,
  'throw new Proxy({}, { get() { throw 1 } })': /the script threw a value whose name or message can't be read/,
  'throw new Proxy(new Error(), { getPrototypeOf() { throw 1 }, get(t, k) { return k === "stack" ? {} : "via proxy" } })': /^via proxy$/,
  "const e = new Error('real'); Object.defineProperty(e, 'stack', { get() { throw 1 } }); throw e": /can't be read/,
  [`throw { get message() { ${loop} } }`]: /sandbox: synchronous script execution timeout/,
  [`throw { get stack() { ${loop} } }`]: /sandbox: synchronous script execution timeout/,
  [`throw new Proxy({}, { get() { ${loop} } })`]: /sandbox: synchronous script execution timeout/,
  [`Array.prototype[Symbol.iterator] = function* () { for (;;) yield 1 }; [...[]]`]: /memory|timeout/,
  [`const f = () => { try { f() } finally { ${loop} } }; f()`]: /sandbox: synchronous script execution timeout/,
  'const f = () => f() + 1; f()': /stack/,
  "throw new Error('x'.repeat(1 << 24))": /^x+/,
  "let s = 'x'; for (;;) s += s": /memory|too long|string/,
  'const a = []; for (;;) a.push(new Array(1000).fill({}))': /memory|timeout/,
  [`pm.environment.set('x', { toJSON() { ${loop} } })`]: /sandbox: synchronous script execution timeout/,
  [`pm.environment.set('x', { get a() { ${loop} } })`]: /sandbox: synchronous script execution timeout/,
  [`pm.environment.set('x', new Proxy({}, { ownKeys() { ${loop} } }))`]: /sandbox: synchronous script execution timeout/,
  [`pm.setNextRequest({ toString() { ${loop} } })`]: /sandbox: synchronous script execution timeout/,
  [`pm.setNextRequest({ [Symbol.toPrimitive]() { ${loop} } })`]: /sandbox: synchronous script execution timeout/,
  [`Object.defineProperty(tests, 'x', { get() { ${loop} }, enumerable: true })`]: /sandbox: synchronous script execution timeout/,
  'const o = { toJSON() { return { o: JSON.stringify(o) } } }; pm.environment.set("x", o)': /stack|memory/,
  'const o = { toJSON() { return { a: o } } }; pm.environment.set("x", o)': /stack|memory|circular/,
  "pm.environment.set('x', { toJSON() { Array.prototype.push = Array.prototype.flatMap = Map.prototype.get = null; throw new Error('left') } })":
    /left|can't be told/,
  "pm.environment.set('x', 'x'.repeat(1 << 28) + 'x'.repeat(1 << 28))": /can't be told|memory|too large|string/,
  'Array.prototype.map = null; [1].map(String)': /not a function/,
  "const o = Object.getPrototypeOf(pm.environment); o.get = o.set = () => { throw 'own' }; pm.environment.set('a', 1)": /^own$/,
  "const o = Object.getPrototypeOf(pm.response); o.json = () => { throw 'own' }; Object.getPrototypeOf(o).constructor = 5; pm.response.json()":
    /^own$/,
  "JSON.parse = null; delete Object.keys; throw new TypeError('told')": /^told$/,
};

const begin = "const seen = new Error('seen'); const said = () => {}; const all = Function('return this')(); " +
  "const base = pm.environment.get('base'); ";
// In words that stand on no native.
const tail = (i) => `
;pm.environment.set('after', ${i});
console.log('said ${i}');
pm.test('fails', () => { throw seen });
setTimeout(() => pm.test('timer', () => {}), 1);
pm.sendRequest(base, (e, r) => pm.test('answered', () => { if (e || r.code !== 200) throw seen }));`;

const probe = (i, waits) => `
pm.test('finds what the script before set', () => { if (${waits}) pm.expect(pm.environment.get('after')).to.equal(${i}) });
pm.test('fails', () => pm.expect({ a: [1, 2] }).to.eql({ a: [1, 3] }));
pm.test('finds the language', () => {
  pm.expect([3, 1].map((x) => x + 1).filter(Boolean).concat([...new Set([7])])).to.eql([4, 2, 7]);
  pm.expect(JSON.parse(JSON.stringify({ a: ['b'] }))).to.eql({ a: ['b'] });
  pm.expect(Object.keys({ a: 1, b: 2 }).join().replace(/,/, '-').split('-')).to.eql(['a', 'b']);
  pm.expect(Math.max(1, 2) + Number('3') + parseInt('4')).to.equal(9);
  pm.expect(Reflect.ownKeys(new Map([['k', 1]]).entries().next().value).length).to.equal(3);
  pm.expect(() => { throw new TypeError('x') }).to.throw(TypeError, 'x');
});
undeclared = ${i};
await Promise.resolve(1).then(() => new Promise((go) => setTimeout(go, 1)));
const r = ${waits} && await pm.sendRequest(pm.environment.get('base'));
pm.test('waits', () => pm.expect(r && r.json()).to.eql(${waits} && { ok: true }));`;

async function report(t, limit, items) {
  const dir = await tempDir(t);
  const base = await serve(t, (request, response) => response.end('{"ok": true}'));
  await writeFile(join(dir, 'c.json'), JSON.stringify({ info: { name: 'c', schema }, item: items.map(({ name, script }) =>
    ({ name, request: base, event: [{ listen: 'test', script: { exec: script } }] })) }));
  await writeFile(join(dir, 'e.json'), JSON.stringify({ values: [{ key: 'base', value: base }] }));
  const out = join(dir, 'r.json');
  const { code, stderr } = await run(['run', join(dir, 'c.json'), '-e', join(dir, 'e.json'), '--timeout-script', `${limit}`,
    '-r', 'json', '--reporter-json-export', out], { env: envOf(dir), cwd: dir });
  assert.equal(code, 1, stderr);
  const { run: { executions } } = JSON.parse(await readFile(out, 'utf8'));
  const seen = new Map();
  for (const e of executions) seen.set(e.item.name, e); // one for each request of an item, the same
  assert.equal(seen.size, items.length);
  return seen;
}

const outcome = ({ assertions = [] }) => assertions.map((a) => `${a.assertion}: ${a.error ? a.error.message : 'ok'}`).sort();
const errors = ({ testScript = [] }) => testScript.flatMap(({ error }) => (error ? [error.message] : []));

function checkProbe(e, name) {
  assert.deepEqual(errors(e), [], name);
  assert.deepEqual(outcome(e), ['fails: expected { a: [ 1, 2 ] } to deeply equal { a: [ 1, 3 ] }',
    'finds the language: ok', 'finds what the script before set: ok', 'waits: ok'], name);
}

test('T45: scripts that replace what the language is made of lose nothing of what they say', async (t) => {
  const seen = await report(t, LONG_MS, quiet.flatMap((attack, i) => [
    { name: `attack ${i}`, script: begin + attack + tail(i) },
    { name: `probe ${i}`, script: probe(i, true) },
  ]));
  quiet.forEach((attack, i) => {
    const e = seen.get(`attack ${i}`);
    assert.deepEqual(errors(e), [], attack);
    assert.deepEqual(outcome(e), ['answered: ok', 'fails: seen', 'timer: ok'], attack);
    checkProbe(seen.get(`probe ${i}`), attack);
  });
});

test('T45: scripts that throw, recurse, allocate or loop end with their error, and the run goes on', async (t) => {
  const rows = Object.entries(loud);
  const seen = await report(t, LIMIT_MS, rows.flatMap(([attack], i) => [
    { name: `attack ${i}`, script: begin + attack },
    { name: `probe ${i}`, script: probe(i, false) },
  ]));
  rows.forEach(([attack, wanted], i) => {
    const [message, ...more] = errors(seen.get(`attack ${i}`));
    assert.match(message ?? '', wanted, attack);
    assert.deepEqual(more, [], attack);
    checkProbe(seen.get(`probe ${i}`), attack);
  });
});
