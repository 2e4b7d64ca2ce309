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

// set…Variable turn values into text, but for those that are false.
function asText(value) {
    return value && typeof value.toString === 'function' ? value.toString() : value;
}

function makePostman(script) {
    const { pm, isTest } = script;
    const environment = () => environmentOf(script);
    const globals = () => globalsOf(script);
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

// One object each, of all that reads and writes it.
const environmentOf = (script) => script.once('legacy environment', () => script.pm.environment.toObject());
const globalsOf = (script) => script.once('legacy globals', () => script.pm.globals.toObject());

// name → how to make the global of that name.
const makers = {
    tests: (script) => (script.tests = {}),
    environment: environmentOf,
    globals: globalsOf,
    data: (script) => script.row(),
    iteration: ({ context }) => context.iteration,
    request: ({ context, pm }) => ({
        id: context.requestId,
        name: context.requestName,
        description: context.requestDescription,
        headers: pm.request.headers.toObject(true, false, true, true),
        method: pm.request.method,
        url: pm.request.url.toString(),
        data: requestData(pm.request),
    }),
    postman: makePostman,
    JSON: () => ({ parse: parseJSON, stringify }),
    ...modules.globals,
    responseCookies: ({ pm }) => pm.cookies,
    responseHeaders: ({ pm }) => Object.fromEntries(pm.response.headers.filter((h) => !h.disabled).map((h) => [h.key, h.value])),
    responseTime: ({ pm }) => pm.response.responseTime,
    responseCode: ({ pm }) => pm.response.details(),
    responseBody: ({ pm }) => pm.response.text(),
};

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

function noter(script) {
    const noted = script.once('legacy names noted', () => new Set());
    return (name) => {
        if (noted.has(name)) return;
        noted.add(name);
        script.warn(`Using "${name === 'postman' ? 'postman.setNextRequest' : name}" is deprecated. Use "${alternatives[name]}" instead.`);
    };
}

// name → how a script's global of that name is made.
export const legacyGlobals = {};
for (const name of Object.keys(makers)) {
    const late = afterwards.includes(name);
    legacyGlobals[name] = (script) => (late && !script.isTest ? undefined : watch(name, makers[name](script), noter(script)));
}

export function legacyNames({ isTest }) {
    return Object.keys(makers).filter((name) => isTest || !afterwards.includes(name));
}

// Raises what the script put into `tests`.
export function finishLegacy({ test, tests }) {
    for (const name of Object.keys(tests)) {
        const passed = Boolean(tests[name]);
        const error = passed ? undefined : {
            name: 'AssertionError',
            message: `expected ${String(tests[name])} to be truthy`,
            stack: `AssertionError: expected ${String(tests[name])} to be truthy`,
        };
        test.raise(name, error);
    }
}

