// SPDX-License-Identifier: Apache-2.0
// Names that a script can't declare at its top with let, const or class: in Postman the globals of
// the sandbox are parameters of the function that a script becomes.
const { Function, SyntaxError, WeakSet } = globalThis;

const always = [
    'pm', 'console', 'Buffer', 'setTimeout', 'setInterval', 'setImmediate', 'clearTimeout', 'clearInterval', 'clearImmediate',
];
const checked = new WeakSet();

function compiles(names, text) {
    try {
        Function(...names, text);
        return true;
    } catch {
        return false;
    }
}

// Throws when the script, a function that was compiled, declares one of the names.
export function checkNames(script, more) {
    if (checked.has(script)) return;
    const text = Function.prototype.toString.call(script);
    if (/\b(?:let|const|class)\b/.test(text) && text.startsWith('function(')) {
        const body = text.slice(text.indexOf('{') + 1, text.lastIndexOf('}'));
        const names = [...always, ...more].filter((name) => body.includes(name));
        if (!compiles(names, body)) {
            const taken = names.find((name) => !compiles([name], body));
            throw new SyntaxError(`Identifier '${taken}' has already been declared`);
        }
    }
    checked.add(script);
}
