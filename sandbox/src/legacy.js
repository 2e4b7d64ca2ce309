// SPDX-License-Identifier: Apache-2.0
// The globals of Postman's first script API. Each use of one is noted on the console, once a
// script, as Postman does. A script that begins with "use sandbox2"; doesn't get them.
import { parseJSON } from './errors.js';
import { modules } from './modules.js';

const alternatives = {
    tests: 'pm.test()',
    globals: 'pm.globals',
    environment: 'pm.environment',
    data: 'pm.iterationData',
    request: 'pm.request',
    responseCookies: 'pm.cookies',
    responseHeaders: 'pm.response.headers',
    responseCode: 'pm.response.code',
    postman: 'pm.execution.setNextRequest()',
    _: "require('lodash')",
    CryptoJS: "require('crypto-js')",
    atob: "require('atob')",
    btoa: "require('btoa')",
    tv4: "require('ajv')",
    xml2Json: "require('xml2js')",
    Backbone: "require('backbone')",
    cheerio: "require('cheerio')",
};
// What only test scripts have.
const afterwards = ['responseCookies', 'responseHeaders', 'responseTime', 'responseCode', 'responseBody'];
const { stringify } = JSON;
const { Proxy, Reflect } = globalThis;

function fields(list) {
    const out = {};
    for (const { key, value, disabled } of list) {
        if (disabled) continue;
        out[key] = out[key] ? [].concat(out[key], value) : value;
    }
    return out;
}

function requestData({ body }) {
    if (!body || body.isEmpty()) return {};
    if (body.mode === 'raw') return body.raw;
    if (body.mode === 'urlencoded' || body.mode === 'formdata') return fields(body[body.mode]);
    return (body.mode === 'file' && body.file.content) || {};
}

// set…Variable turn values into text.
function asText(value) {
    return (value === false || value) && typeof value.toString === 'function' ? value.toString() : value;
}

function makePostman(script, environment, globals) {
    const { pm, isTest } = script;
    const drop = (object, key) => delete object[key];
    const dropAll = (object) => Object.keys(object).forEach((key) => drop(object, key));
    const out = {
        setEnvironmentVariable(key, value) {
            pm.environment.set(key, environment()[key] = asText(value));
        },
        getEnvironmentVariable: (key) => pm.environment.get(key),
        clearEnvironmentVariable(key) {
            drop(environment(), key);
            pm.environment.unset(key);
        },
        clearEnvironmentVariables() {
            dropAll(environment());
            pm.environment.clear();
        },
        setGlobalVariable(key, value) {
            pm.globals.set(key, globals()[key] = asText(value));
        },
        getGlobalVariable: (key) => pm.globals.get(key),
        clearGlobalVariable(key) {
            drop(globals(), key);
            pm.globals.unset(key);
        },
        clearGlobalVariables() {
            dropAll(globals());
            pm.globals.clear();
        },
        setNextRequest: (name) => pm.execution.setNextRequest(name),
    };
    if (!isTest) return out;
    out.getResponseCookie = (name) => pm.cookies.one(String(name));
    out.getResponseHeader = (name) => pm.response.headers.one(name)?.value;
    return out;
}

function once(compute) {
    let value;
    return () => (value === undefined ? (value = compute()) : value);
}

// name → how to make the global of that name.
function makers(script, tests) {
    const { pm, context, isTest } = script;
    const environment = once(() => pm.environment.toObject());
    const globals = once(() => pm.globals.toObject());
    const out = {
        tests: () => tests,
        environment,
        globals,
        data: () => context.scopes.data.values || {},
        iteration: () => context.iteration,
        request: () => ({
            id: context.requestId,
            name: context.requestName,
            description: context.requestDescription,
            headers: pm.request.headers.toObject(true, false, true, true),
            method: pm.request.method,
            url: pm.request.url.toString(),
            data: requestData(pm.request),
        }),
        postman: () => makePostman(script, environment, globals),
        JSON: () => ({ parse: parseJSON, stringify }),
    };
    Object.assign(out, modules.globals);
    for (const name of afterwards) {
        if (!isTest) out[name] = () => undefined;
    }
    if (!isTest) return out;
    return Object.assign(out, {
        responseCookies: () => pm.cookies,
        responseHeaders: () => Object.fromEntries(pm.response.headers.filter((h) => !h.disabled).map((h) => [h.key, h.value])),
        responseTime: () => pm.response.responseTime,
        responseCode: () => pm.response.details(),
        responseBody: () => pm.response.text(),
    });
}

function watch(name, value, note) {
    if (value === null || (typeof value !== 'object' && typeof value !== 'function') || !alternatives[name]) return value;
    return new Proxy(value, {
        get(target, key) {
            note(name);
            return target[key];
        },
        set(target, key, v) {
            note(name);
            target[key] = v;
            return true;
        },
        apply(target, self, values) {
            note(name);
            return Reflect.apply(target, self, values);
        },
    });
}

// SugarJS's String#has, which Postman's snippet "Body contains string" calls.
function extendStrings({ String: { prototype } }) {
    if (Object.hasOwn(prototype, 'has')) return;
    Object.defineProperty(prototype, 'has', {
        configurable: true,
        writable: true,
        value: function has(wanted) {
            return wanted instanceof RegExp ? this.search(wanted) >= 0 : this.includes(wanted);
        },
    });
}

// Installs the globals with `lazy(global, name, compute)`. The result's finish() raises the tests.
export function installLegacy(script, global, lazy) {
    if (!script.context.legacy) return { names: [], finish() {} };
    extendStrings(global);
    const tests = {};
    const noted = new Set();
    const note = (name) => {
        if (noted.has(name)) return;
        noted.add(name);
        script.warn(`Using "${name === 'postman' ? 'postman.setNextRequest' : name}" is deprecated. Use "${alternatives[name]}" instead.`);
    };
    const all = makers(script, tests);
    for (const name of Object.keys(all)) lazy(global, name, () => watch(name, all[name](), note), false);
    return {
        names: Object.keys(all).filter((name) => script.isTest || !afterwards.includes(name)),
        finish() {
            for (const name of Object.keys(tests)) {
                const passed = Boolean(tests[name]);
                const error = passed ? undefined : {
                    name: 'AssertionError',
                    message: `expected ${String(tests[name])} to be truthy`,
                    stack: `AssertionError: expected ${String(tests[name])} to be truthy`,
                };
                script.test.raise(name, error);
            }
        },
    };
}
