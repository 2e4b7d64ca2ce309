// SPDX-License-Identifier: Apache-2.0
// pm.require: packages of a folder that the person named (--packages), as CommonJS; and pm.vault:
// secrets of a file that the person named (--vault). Without the option neither gives anything.
import { intact } from './intact.js';

const { Function, Promise } = globalThis;
const { hasOwn } = Object;

const remote = /^(?:npm|jsr):/;

export function makeRequire(texts, pm, builtin) {
    const exported = new Map();
    const load = (name) => {
        if (exported.has(name)) return exported.get(name).exports;
        if (!hasOwn(texts, name)) return undefined;
        const module = { exports: {} };
        exported.set(name, module);
        const inner = (other) => {
            const found = load(other.replace(/^\.\//, name.includes('/') ? `${name.slice(0, name.lastIndexOf('/'))}/` : ''));
            return found === undefined ? builtin(other) : found;
        };
        Function('module', 'exports', 'require', 'pm', texts[name]).call(module.exports, module, module.exports, inner, pm);
        return module.exports;
    };
    return function require(name) {
        const text = String(name);
        const found = load(text);
        if (found !== undefined) return found;
        if (remote.test(text)) {
            throw new Error(`pm.require: '${text}' is remote, and scripts fetch no code: put it into the folder of --packages`);
        }
        throw new Error(`pm.require: there is no package '${text}' in the folder of --packages`);
    };
}

const refuse = () => Promise.reject(new Error('pm.vault: the run was given no secrets: name their file by --vault FILE'));

export function makeVault(scope, given) {
    if (!given) return { get: refuse, set: refuse, unset: refuse };
    return {
        get: (key) => intact(() => Promise.resolve(scope.get(key))),
        set: (key, value) => intact(() => Promise.resolve(void scope.set(key, value, 'secret'))),
        unset: (key) => intact(() => Promise.resolve(void scope.unset(key))),
    };
}
