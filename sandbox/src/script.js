// SPDX-License-Identifier: Apache-2.0
// One script from its context to its end: what it sees (pm and the other globals), and what it did
// (the messages of src/js/message.h).
import { Cookie, CookieJar, CookieList } from './cookies.js';
import { describeError } from './errors.js';
import { hasChai, loadChai } from './expect.js';
import { inspect } from './inspect.js';
import { intact, isAsFirst, keepIntact, rememberFirst } from './intact.js';
import { lazy, Slots } from './lazy.js';
import { Header, HeaderList, PropertyList } from './list.js';
import { finishLegacy, legacyGlobals, legacyNames } from './legacy.js';
import { modules } from './modules.js';
import { checkScript, snapshotsOf } from './names.js';
import { makeRequire, makeVault } from './packages.js';
import { Request, requestJSON } from './request.js';
import { Response } from './response.js';
import { offerSugar } from './sugar.js';
import { makeTest } from './test.js';
import { timerNames, Timers } from './timers.js';
import { Url } from './url.js';
import { uuid } from './uuid.js';
import { Variable, VariableScope } from './variables.js';
import { offerWeb } from './web.js';

// A script may replace these; the prelude keeps the originals.
const { apply, ownKeys } = Reflect;
const { stringify, parse } = JSON;
const resolved = Promise.resolve();
const code = { assertion: 97, console: 108, exception: 120, fetch: 102, cookies: 99, done: 100 };
const scopes = ['globals', 'collection', 'environment', 'data', 'local', 'vault', 'packages'];
const fixedScopes = ['data', 'packages'];

function fixed(object, members) {
    for (const name of Object.keys(members)) Object.defineProperty(object, name, { value: members[name] });
    return object;
}

// ---- pm and the other globals: name → how to make it for a script ----

// What a script can't replace.
const readOnly = {
    info: ({ context }) => fixed({}, {
        eventName: context.event,
        iteration: context.iteration,
        iterationCount: context.iterationCount,
        requestName: context.requestName,
        requestId: context.requestId,
    }),
    globals: (script) => script.scope('globals'),
    environment: (script) => script.scope('environment'),
    collectionVariables: (script) => script.scope('collection'),
    variables: (script) => script.scope('local'),
    iterationData: (script) => script.scope('data'),
    visualizer: (script) => script.makeVisualizer(),
    execution: (script) => script.makeExecution(),
    sendRequest: (script) => (request, callback) => script.sendRequest(request, callback),
    setNextRequest: (script) => (name) => {
        script.next = name;
    },
    require: (script) => makeRequire(script.scope('packages').toObject(), script.pm, modules.require),
    vault: (script) => makeVault(script.scope('vault'), script.scope('vault').name === 'vault'),
};

const replaceable = {
    request: (script) => script.makeRequest(),
    response: (script) => script.makeOwnResponse(),
    cookies: (script) => script.makeCookies(),
    expect: () => loadChai().expect,
    test: (script) => Object.assign(script.test.bind(script.pm), script.test),
};

const globals = {
    pm: (script) => script.pm,
    console: (script) => script.makeConsole(),
    require: () => modules.require,
    Buffer: () => modules.load('buffer').Buffer,
    atob: () => modules.load('buffer').atob,
    btoa: () => modules.load('buffer').btoa,
};
globals.queueMicrotask = (script) => (call) => script.later(call);
for (const name of timerNames) globals[name] = (script) => script.once('timers', () => script.timers.globals())[name];
const allGlobals = { ...globals, ...legacyGlobals };

// What scripts find: one realm serves them all, so that each finds its own as they come and go.
class Realm {
    #global;
    #globals = new Slots(false);
    #members = new Slots(true);
    #pmPrototype = {};

    constructor(global) {
        this.#global = global;
        for (const name of Object.keys(readOnly)) {
            Object.defineProperty(this.#pmPrototype, name, { get: () => this.script.once(name, readOnly[name]) });
        }
        Object.freeze(this.#pmPrototype);
    }

    #makePm(script) {
        const pm = Object.create(this.#pmPrototype);
        for (const name of Object.keys(replaceable)) {
            if (name !== 'response' || script.isTest) this.#members.define(pm, name);
        }
        return pm;
    }

    // Besides what earlier scripts left as globals of theirs.
    enter(script) {
        const { legacy } = script.context;
        const table = legacy ? allGlobals : globals;
        this.script = script;
        script.pm = this.#makePm(script);
        this.#members.fill(replaceable, script, {
            test: replaceable.test(script),
            ...(hasChai() && { expect: replaceable.expect() }),
        });
        this.#globals.fill(table, script, { pm: script.pm });
        this.#offer(table);
    }

    #offer(table) {
        for (const name of Object.keys(allGlobals)) {
            if (name in table) this.#globals.define(this.#global, name);
            else this.#globals.withdraw(this.#global, name);
        }
    }

    // Can the next script find its globals?
    sound() {
        try {
            this.#offer(allGlobals);
            return true;
        } catch {
            return false;
        }
    }
}

for (const kind of [Request, Response]) {
    Object.defineProperty(kind.prototype, 'to', {
        get() {
            return loadChai().expect(this).to;
        },
        configurable: true,
    });
}

// ---- a script ----

export class Script {
    constructor(host, context) {
        this.host = host;
        this.context = context;
        this.isTest = context.event === 'test';
        this.timers = new Timers(host, (e) => this.send('exception', describeError(e)));
        this.next = undefined;
        this.skipped = undefined; // the result at the moment of skipRequest()
        this.error = undefined;
        this.tests = undefined; // of the legacy API
        this.wasRead = false; // what the script left, which may have getters
    }

    // The value of make(script), made when first asked for.
    #made = { __proto__: null };
    once(name, make) {
        if (!(name in this.#made)) this.#made[name] = intact(() => make(this));
        return this.#made[name];
    }

    get test() {
        return this.once('test', () => makeTest(this));
    }

    send(kind, message) {
        if (!this.skipped) intact(() => this.host.send(code[kind], stringify(message)));
    }

    // A test that passed. JSON of primitives is the same whatever a script made of the language.
    passed({ name, index, skipped }) {
        if (this.skipped) return;
        this.host.send(code.assertion, `{"name":${stringify(name)},"index":${index},"passed":true,"skipped":${skipped}}`);
    }

    // The values of a scope, as the runner has them.
    #read(name) {
        return parse(this.host.scope(scopes.indexOf(name)));
    }

    // The row of data of this iteration.
    row() {
        return this.once('row', () => this.#read('data').values || {});
    }

    #scopes = {};
    scope(name) {
        if (!this.#scopes[name]) this.#scopes[name] = this.#makeScope(name);
        return this.#scopes[name];
    }

    #makeScope(name) {
        if (name === 'data') {
            const row = this.row();
            return new VariableScope({ id: uuid(), values: Object.keys(row).map((key) => ({ key, value: row[key] })) });
        }
        const beneath = name === 'local' ? ['data', 'environment', 'collection', 'globals'] : [];
        return new VariableScope(this.#read(name), beneath.map((other) => this.scope(other)));
    }

    later(call) {
        if (typeof call !== 'function') throw new TypeError('queueMicrotask requires a function');
        intact(() => resolved.then(() => call()).catch((e) => this.send('exception', describeError(e))));
    }

    warn(message) {
        this.send('console', { level: 'warn', messages: [inspect(message)] });
    }

    makeConsole() {
        const out = {};
        for (const level of ['log', 'info', 'warn', 'error', 'debug']) {
            out[level] = (...values) => intact(() => {
                this.send('console', { level, messages: values.map((v) => inspect(v, this.context.columns)) });
            });
        }
        out.clear = () => {};
        return out;
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

    makeRequest() {
        this.request = new Request(parse(this.host.request() || '{}'));
        // Compared at the end, to see whether the script changed it.
        if (this.isTest) this.request.url.nameVariables();
        else this.requestBefore = stringify(this.request);
        return this.request;
    }

    makeOwnResponse() {
        const { pm, context } = this;
        const response = new Response({ ...context.response, cookies: pm.cookies }, this.frameBody());
        lazy(response, 'originalRequest', () => pm.request);
        return response;
    }

    makeCookies() {
        const list = new CookieList(this.context.response ? this.context.response.cookies : []);
        list.jar = () => new CookieJar((operation, answered) => this.askCookies(operation, answered));
        return list;
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
            runRequest: (reference, options) => this.runRequest(reference, options),
            skipRequest: () => {
                if (this.isTest) throw new TypeError('pm.execution.skipRequest is not a function');
                if (this.skipped) return;
                const result = intact(() => this.result());
                this.skipped = { ...result, skip: true };
                this.timers.seal(true);
            },
        };
    }

    // A question that can't be put (it has a cycle, or is too large) waits for no answer.
    #ask(kind, answered, question) {
        const id = this.timers.expect(answered);
        if (id === undefined) return;
        try {
            this.send(kind, { id, ...question() });
        } catch (e) {
            this.timers.forget(id);
            throw e;
        }
    }

    sendRequest(request, callback) {
        const { pm } = this;
        const call = typeof callback === 'function' ? callback : undefined;
        if (!request) {
            if (call) apply(call, pm, [new Error('sendrequest: nothing to request')]);
            return pm;
        }
        return this.#fetch(call, () => ({
            request: stringify(requestJSON(request instanceof Request ? request : new Request(plainOf(request)))),
        }));
    }

    // A request of the collection, by its id or name. It sees what this script has set so far.
    runRequest(reference, { variables = {} } = {}) {
        const set = this.changes().filter((c) => c.kind === 'set' && c.scope !== 'vault');
        const own = Object.keys(variables).map((key) => ({ key, value: variables[key] }));
        const seen = set.map(({ key, value, type }) => ({ key, value: value === '' ? undefined : parse(value), type }));
        return this.#fetch(undefined, () => ({ item: String(reference), variables: stringify([...seen, ...own]) }));
    }

    #fetch(call, question) {
        return intact(() => this.#put(call, question));
    }

    #put(call, question) {
        const { pm } = this;
        let resolve, reject;
        const promise = call ? undefined : new Promise((a, b) => [resolve, reject] = [a, b]);
        const answered = (failure, response) => {
            const error = failure ? Object.assign(new Error(failure.message), { code: failure.name }) : null;
            const answer = new Response(response, response ? this.answerBody() : undefined);
            const cookies = new CookieList(response ? response.cookies : []);
            answer.cookies = cookies;
            if (call) return () => apply(call, pm, [error, answer, { cookies }]);
            if (error) reject(error);
            else resolve(answer);
            return undefined;
        };
        this.#ask('fetch', answered, question);
        return call ? pm : promise;
    }

    askCookies(operation, answered) {
        const answer = (failure, list) => {
            const error = failure ? Object.assign(new Error(failure.message), { name: failure.name }) : null;
            return () => answered(error, list || []);
        };
        intact(() => this.#ask('cookies', answer, () => operation));
    }

    // Throws when the script can't be begun.
    check(call) {
        const { event, legacy } = this.context;
        checkScript(call, event, () => (legacy ? legacyNames(this) : []));
    }

    // An async body (top-level await) keeps the script alive until it settles.
    hold(result) {
        if (!(result instanceof Promise)) return;
        const id = this.timers.expect(() => {});
        const settled = () => this.timers.answer(id);
        result.then(settled, (e) => {
            this.error = describeError(e);
            settled();
        });
    }

    // A script that still waits for something goes on; its error is told as an event.
    fail(e) {
        if (intact(() => this.timers.pending())) this.send('exception', describeError(e));
        else this.error = describeError(e);
    }

    expire(how) {
        this.error = describeError(new Error(`sandbox: ${how} script execution timeout`));
        this.timedOut = true;
    }

    finishLegacy() {
        intact(() => this.#attempt(() => finishLegacy(this)));
    }

    // What a script leaves may throw when it is read: a cycle, a toJSON. That is the script's error.
    #attempt(read) {
        this.wasRead = true;
        try {
            return read();
        } catch (e) {
            this.error = this.error ?? describeError(e);
            return undefined;
        }
    }

    // A scope that nobody asked for has not changed.
    changes() {
        const attempt = (read) => this.#attempt(read);
        return scopes.flatMap((name) => (fixedScopes.includes(name) || !this.#scopes[name] ? [] : this.#scopes[name].changes(name, attempt)));
    }

    result() {
        const out = { changes: this.changes() };
        if (this.request && !this.isTest) {
            const after = this.#attempt(() => stringify(this.request));
            if (after !== this.requestBefore) out.request = after;
        }
        if (this.next !== undefined) out.next = this.next === null ? null : this.#attempt(() => String(this.next));
        if (this.error) out.error = this.error;
        return out;
    }
}

// A Request of require('postman-collection') says itself what it is.
function plainOf(request) {
    return typeof request.toJSON === 'function' ? request.toJSON() : request;
}

// The members of a message: what it hasn't got isn't looked for in Object.prototype.
const own = (text) => intact(() => ({ __proto__: null, ...parse(text) }));

export function createRunner(host, global) {
    keepIntact(host, global, [Cookie, CookieJar, CookieList, Header, HeaderList, PropertyList, Request, Response, Url, Variable, VariableScope]);
    modules.init(host);
    offerSugar(global);
    offerWeb(host, global);
    const realm = new Realm(global);
    const first = new Set([...ownKeys(global), ...Object.keys(allGlobals)]);
    rememberFirst();
    let script;

    return {
        run(text, call, fault) {
            try {
                intact(() => {
                    script = new Script(host, parse(text));
                    realm.enter(script);
                    if (fault !== undefined) return;
                    script.check(call);
                    if (script.context.legacy) for (const name of snapshotsOf(call)) void global[name];
                });
                if (fault !== undefined) throw fault;
                const result = apply(call, {}, []);
                if (typeof result === 'object') intact(() => script.hold(result));
            } catch (e) {
                script.fail(e);
            }
            if (script.tests) script.finishLegacy();
        },
        fetched(text) {
            const { id, failure, response } = own(text);
            script.timers.answer(id, failure, response);
        },
        cookies(text) {
            const { id, failure, cookies } = own(text);
            script.timers.answer(id, failure, cookies);
        },
        // The natives are the originals then: `finish` has seen to it.
        untouched: () => !modules.given() && isAsFirst() && ownKeys(global).every((key) => first.has(key)),
        wait: () => (script.timers.unused ? -2 : intact(() => script.timers.wait())),
        tick: () => script.timers.tick(),
        rejected(reason) {
            script.send('exception', describeError(reason));
        },
        finish(how) {
            let sound = host.mend();
            if (how) script.expire(how);
            script.timers.seal();
            const result = script.skipped || script.result();
            if (script.timedOut) result.timeout = true;
            // To read what the script left, and to write it, may run code of its own.
            const quiet = !script.wasRead && !result.changes.length && ownKeys(result).length === 1;
            let text = quiet ? '{"changes":[]}' : stringify(result);
            if (!quiet) sound = host.mend();
            if (!sound || !realm.sound()) text = stringify({ ...result, spoiled: true });
            host.send(code.done, text);
            return true;
        },
    };
}
