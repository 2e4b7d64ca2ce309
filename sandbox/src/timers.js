// SPDX-License-Identifier: Apache-2.0
// Timers, and everything else that keeps a script alive: a script is over when nothing is pending.
import { intact } from './intact.js';

const { apply } = Reflect;

export const timerNames = [
    'setTimeout', 'setInterval', 'setImmediate', 'clearTimeout', 'clearInterval', 'clearImmediate',
];

export class Timers {
    #host;
    #onError;
    #due = new Map(); // id → {at, every, call}
    #next = 0;
    #events = new Map(); // id of a question to the runner → what to do with its answer
    #sealed = false;

    constructor(host, onError) {
        this.#host = host;
        this.#onError = onError;
    }

    // Extra arguments are not passed on: Postman's sandbox doesn't either.
    #add(call, ms, repeats) {
        if (this.#sealed || typeof call !== 'function') return undefined;
        const wait = Math.max(Number(ms) || 0, repeats ? 1 : 0);
        const id = ++this.#next;
        this.#due.set(id, { at: this.#host.now() + wait, every: repeats ? wait : 0, call });
        return id;
    }

    globals() {
        const add = (call, ms, repeats) => intact(() => this.#add(call, ms, repeats));
        const clear = (id) => {
            if (!this.#sealed) intact(() => this.#due.delete(id));
        };
        return {
            setTimeout: (call, ms) => add(call, ms, false),
            setInterval: (call, ms) => add(call, ms, true),
            setImmediate: (call) => add(call, 0, false),
            clearTimeout: clear,
            clearInterval: clear,
            clearImmediate: clear,
        };
    }

    // A question to the runner: returns its id; `answered` gets the answer, and returns what is to be
    // called then.
    expect(answered) {
        if (this.#sealed) return undefined;
        const id = ++this.#next;
        this.#events.set(id, answered);
        return id;
    }

    forget(id) {
        this.#events.delete(id);
    }

    answer(id, failure, value) {
        this.#call(() => {
            const answered = this.#events.get(id);
            return this.#events.delete(id) ? answered(failure, value) : undefined;
        });
    }

    // What is found to be called is the script's, and finds the language as the script made it.
    #call(find) {
        try {
            const call = intact(find);
            if (call) apply(call, {}, []);
        } catch (e) {
            this.#onError(e);
        }
    }

    // Has nothing ever been waited for?
    get unused() {
        return this.#next === 0;
    }

    pending() {
        return this.#due.size + this.#events.size > 0;
    }

    // See worker.h: ms until the next timer, -1 only answers are awaited, -2 nothing is.
    wait() {
        let first = Infinity;
        for (const t of this.#due.values()) first = Math.min(first, t.at);
        if (first < Infinity) return Math.max(0, Math.ceil(first - this.#host.now()));
        return this.#events.size ? -1 : -2;
    }

    // Runs one timer that is due, the earliest; promise jobs run between two.
    tick() {
        this.#call(() => this.#take());
    }

    #take() {
        const now = this.#host.now();
        let next;
        for (const [id, t] of this.#due) {
            if (t.at <= now && (!next || t.at < next[1].at)) next = [id, t];
        }
        if (!next) return undefined;
        const [id, t] = next;
        if (t.every) t.at = now + t.every;
        else this.#due.delete(id);
        return t.call;
    }

    // Nothing more is called. What was asked may be `awaited`, so that it isn't broken off.
    seal(awaited = false) {
        this.#sealed = true;
        this.#due.clear();
        if (!awaited) this.#events.clear();
        for (const id of this.#events.keys()) this.#events.set(id, () => undefined);
    }
}
