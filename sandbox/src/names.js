// SPDX-License-Identifier: Apache-2.0
// Names that a script can't declare at its top with let, const or class: in Postman the globals of
// the sandbox are parameters of the function that a script becomes.
import { loadSugar, needsSugar } from './sugar.js';

const { Function, Reflect, RegExp, SyntaxError, WeakMap, WeakSet } = globalThis;
const sourceOf = Function.prototype.toString;

const always = [
    'pm', 'console', 'Buffer', 'setTimeout', 'setInterval', 'setImmediate', 'clearTimeout', 'clearInterval', 'clearImmediate',
];
const checked = { prerequest: new WeakSet(), test: new WeakSet() };

function compiles(names, text) {
    try {
        Function(...names, text);
        return true;
    } catch {
        return false;
    }
}

// Globals of the legacy API that show what was when the script began.
const snapshots = ['environment', 'globals', 'request'];
const mentioned = new WeakMap();

// Those of them that the script, which has been checked, speaks of.
export const snapshotsOf = (script) => mentioned.get(script);

// Throws when the script, a function that was compiled, declares one of the names: those above and
// those of more(), which depend on its event. Makes ready what it needs of SugarJS. Once for
// each script.
export function checkScript(script, event, more) {
    if (checked[event].has(script)) return;
    const text = Reflect.apply(sourceOf, script, []);
    if (needsSugar(text)) loadSugar();
    if (/\b(?:let|const|class)\b/.test(text) && text.startsWith('function(')) {
        const body = text.slice(text.indexOf('{') + 1, text.lastIndexOf('}'));
        const names = [...always, ...more()].filter((name) => body.includes(name));
        const taken = compiles(names, body) ? undefined : names.find((name) => !compiles([name], body));
        if (taken) throw new SyntaxError(`Identifier '${taken}' has already been declared`);
    }
    mentioned.set(script, snapshots.filter((name) => new RegExp(`(?:^|[^.\\w])${name}\\b`).test(text)));
    checked[event].add(script);
}
