// SPDX-License-Identifier: Apache-2.0
// One script from its context to its end: what it sees (pm and the other globals), and what it did
// (the messages of src/js/message.h).
import { CookieJar, CookieList } from './cookies.js';
import { describeError } from './errors.js';
import { loadChai } from './expect.js';
import { inspect } from './inspect.js';
import { installLegacy } from './legacy.js';
import { modules } from './modules.js';
import { checkNames } from './names.js';
import { Request, requestJSON } from './request.js';
import { Response } from './response.js';
import { makeTest } from './test.js';
import { Timers } from './timers.js';
import { VariableScope } from './variables.js';

// A script may replace these; the prelude keeps the originals.
const { stringify, parse } = JSON;
const code = { assertion: 97, console: 108, exception: 120, fetch: 102, cookies: 99, done: 100 };
const scopes = ['globals', 'collection', 'environment', 'data', 'local'];

// A property that is computed when first read, and that a script may overwrite.
function lazy(object, name, compute, enumerable = true) {
    const set = (value) => Object.defineProperty(object, name, { value, writable: true, configurable: true, enumerable });
    Object.defineProperty(object, name, {
        configurable: true,
        enumerable,
        set,
        get() {
            set(undefined); // computing it may ask for it: lodash looks whether there is a `_`
            const value = compute();
            set(value);
            return value;
        },
    });
}

function fixed(object, members) {
    for (const name of Object.keys(members)) Object.defineProperty(object, name, { value: members[name] });
    return object;
}

export class Script {
    constructor(host, context) {
        this.host = host;
        this.context = context;
        this.isTest = context.event === 'test';
        this.timers = new Timers(host, (e) => this.send('exception', describeError(e)));
        this.next = undefined;
        this.skipped = undefined; // the result at the moment of skipRequest()
        this.error = undefined;
        this.test = makeTest((a) => this.send('assertion', a));
        this.scopes = this.makeScopes();
        this.pm = this.makePm();
    }

    send(kind, message) {
        if (!this.skipped) this.host.send(code[kind], stringify(message));
    }

    makeScopes() {
        const out = {};
        for (const name of scopes.slice(0, 3)) out[name] = new VariableScope(this.context.scopes[name]);
        const { values } = this.context.scopes.data;
        out.data = new VariableScope({ values: values || {} });
        out.local = new VariableScope(this.context.scopes.local, [out.data, out.environment, out.collection, out.globals]);
        return out;
    }

    warn(message) {
        this.send('console', { level: 'warn', messages: [inspect(message)] });
    }

    makeConsole() {
        const out = {};
        for (const level of ['log', 'info', 'warn', 'error', 'debug']) {
            out[level] = (...values) => {
                this.send('console', { level, messages: values.map((v) => inspect(v, this.context.columns)) });
            };
        }
        out.clear = () => {};
        return out;
    }

    makeResponse(source, body) {
        const response = new Response(source, body);
        Object.defineProperty(response, 'to', { get: () => loadChai().expect(response).to, configurable: true });
        return response;
    }

    // The body is read from the frame when asked for, which is gone after the script.
    frameBody() {
        const { host } = this;
        let bytes;
        return {
            text: (latin1) => (bytes ? host.text(bytes, 0, bytes.byteLength, latin1) : host.text(undefined, 0, 0, latin1)),
            buffer: () => {
                bytes = bytes ?? host.body();
                return modules.load('buffer').Buffer.from(bytes);
            },
        };
    }

    // The same for an answer, whose frame is gone when its callback has returned.
    answerBody() {
        const { host } = this;
        const bytes = host.body();
        return {
            text: (latin1) => host.text(bytes, 0, bytes.byteLength, latin1),
            buffer: () => modules.load('buffer').Buffer.from(bytes),
        };
    }

    makePm() {
        const { context } = this;
        const pm = {};
        fixed(pm, {
            info: fixed({}, {
                eventName: context.event,
                iteration: context.iteration,
                iterationCount: context.iterationCount,
                requestName: context.requestName,
                requestId: context.requestId,
            }),
            globals: this.scopes.globals,
            environment: this.scopes.environment,
            collectionVariables: this.scopes.collection,
            variables: this.scopes.local,
            iterationData: this.scopes.data,
            visualizer: this.makeVisualizer(),
            execution: this.makeExecution(),
            sendRequest: (request, callback) => this.sendRequest(request, callback, pm),
            setNextRequest: (name) => {
                this.next = name;
            },
            require: modules.require,
        });
        lazy(pm, 'request', () => {
            this.requestMade = new Request(context.request);
            // Compared at the end, to see whether the script changed it.
            this.requestBefore = stringify(this.requestMade);
            Object.defineProperty(this.requestMade, 'to', {
                get: () => loadChai().expect(this.requestMade).to,
                configurable: true,
            });
            return this.requestMade;
        });
        if (this.isTest) {
            lazy(pm, 'response', () => this.makeResponse(
                { ...context.response, originalRequest: pm.request, cookies: pm.cookies }, this.frameBody()));
        }
        lazy(pm, 'cookies', () => {
            const list = new CookieList(context.response ? context.response.cookies : []);
            list.jar = () => new CookieJar((operation, answered) => this.askCookies(operation, answered));
            return list;
        });
        lazy(pm, 'expect', () => loadChai().expect);
        pm.test = this.test.bind(pm);
        Object.assign(pm.test, this.test);
        return pm;
    }

    makeVisualizer() {
        return {
            set(template, data, options) {
                if (typeof template !== 'string') {
                    throw new Error(`Invalid template. Template must be of type string, found ${typeof template}`);
                }
                if (data && typeof data !== 'object') throw new Error(`Invalid data. Data must be an object, found ${typeof data}`);
                if (options && typeof options !== 'object') {
                    throw new Error(`Invalid options. Options must be an object, found ${typeof options}`);
                }
            },
            clear() {},
        };
    }

    makeExecution() {
        const { context } = this;
        const location = [...(context.location || [])];
        fixed(location, { current: context.owner });
        return {
            location,
            setNextRequest: (name) => {
                this.next = name;
            },
            skipRequest: () => {
                if (this.isTest) throw new TypeError('pm.execution.skipRequest is not a function');
                if (this.skipped) return;
                const result = this.result();
                this.skipped = { ...result, skip: true };
                this.timers.seal();
            },
        };
    }

    sendRequest(request, callback, pm) {
        const call = typeof callback === 'function' ? callback : undefined;
        if (!request) {
            if (call) call.call(pm, new Error('sendrequest: nothing to request'));
            return pm;
        }
        let resolve, reject;
        const promise = call ? undefined : new Promise((a, b) => [resolve, reject] = [a, b]);
        const id = this.timers.expect((failure, response) => {
            const error = failure ? Object.assign(new Error(failure.message), { code: failure.name }) : null;
            const answer = this.makeResponse(response, response ? this.answerBody() : undefined);
            const cookies = new CookieList(response ? response.cookies : []);
            answer.cookies = cookies;
            if (call) call.call(pm, error, answer, { cookies });
            else if (error) reject(error);
            else resolve(answer);
        });
        if (id !== undefined) {
            this.send('fetch', { id, request: stringify(requestJSON(request instanceof Request ? request : new Request(request))) });
        }
        return call ? pm : promise;
    }

    askCookies(operation, answered) {
        const id = this.timers.expect((failure, list) => {
            answered(failure ? Object.assign(new Error(failure.message), { name: failure.name }) : null, list || []);
        });
        if (id !== undefined) this.send('cookies', { id, ...operation });
    }

    // What the next script finds as globals, besides what earlier ones left there.
    install(global) {
        const { timers } = this;
        const values = { pm: this.pm, console: this.makeConsole(), require: modules.require, ...timers.globals() };
        for (const name of Object.keys(values)) {
            Object.defineProperty(global, name, { value: values[name], writable: true, configurable: true });
        }
        lazy(global, 'Buffer', () => modules.load('buffer').Buffer, false);
        lazy(global, 'atob', () => modules.load('buffer').atob, false);
        lazy(global, 'btoa', () => modules.load('buffer').btoa, false);
    }

    changes() {
        return scopes.flatMap((name) => (name === 'data' ? [] : this.scopes[name].changes(name)));
    }

    result() {
        const out = { changes: this.changes() };
        if (this.requestMade && !this.isTest) {
            const after = stringify(this.requestMade);
            if (after !== this.requestBefore) out.request = after;
        }
        if (this.next !== undefined) out.next = this.next === null ? null : String(this.next);
        if (this.error) out.error = this.error;
        return out;
    }
}

export function createRunner(host, global) {
    modules.init(host);
    let script;

    return {
        run(text, call, fault) {
            script = new Script(host, parse(text));
            script.install(global);
            const legacy = installLegacy(script, global, lazy);
            try {
                if (fault !== undefined) throw fault;
                checkNames(call, script.context.event, legacy.names);
                const result = call.call({});
                // An async body (top-level await) keeps the script alive until it settles.
                if (result instanceof Promise) {
                    const id = script.timers.expect(() => {});
                    const settled = () => script.timers.answer(id);
                    result.then(settled, (e) => {
                        script.error = describeError(e);
                        settled();
                    });
                }
            } catch (e) {
                // A script that still waits for something goes on; its error is told as an event.
                if (script.timers.pending()) script.send('exception', describeError(e));
                else script.error = describeError(e);
            }
            legacy.finish();
        },
        fetched(text) {
            const { id, failure, response } = parse(text);
            script.timers.answer(id, failure, response);
        },
        cookies(text) {
            const { id, failure, cookies } = parse(text);
            script.timers.answer(id, failure, cookies);
        },
        wait: () => script.timers.wait(),
        tick: () => script.timers.tick(),
        rejected(reason) {
            script.send('exception', describeError(reason));
        },
        finish(how) {
            script.timers.seal();
            if (how) {
                script.error = describeError(new Error(`sandbox: ${how} script execution timeout`));
                script.timedOut = true;
            }
            const result = script.skipped || script.result();
            if (script.timedOut) result.timeout = true;
            script.skipped = undefined;
            script.send('done', result);
        },
    };
}
