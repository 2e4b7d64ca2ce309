// SPDX-License-Identifier: Apache-2.0
// pm.test. A test function with a parameter is asynchronous: it is over when it calls that.
import { describeError } from './errors.js';
import { intact } from './intact.js';

const { String } = globalThis;

const fail = (assertion, e) => intact(() => {
    assertion.passed = false;
    // What isn't an object has no message to show but the test's name, and one without a name is taken
    // for a failed assertion.
    const named = e !== null && typeof e === 'object';
    assertion.error = named ? describeError(e, '') : { name: '', message: '', stack: '' };
});

// Each assertion is told when its test is over. As long as tests pass no original is needed for it.
export function makeTest(script) {
    let count = 0;
    const begin = (name, skipped) => ({ name: String(name), index: count++, passed: true, skipped });
    const tell = (assertion) => (assertion.passed ? script.passed(assertion) : script.send('assertion', assertion));

    function test(name, body) {
        const assertion = begin(name, false);
        const waits = typeof body === 'function' && body.length > 0;
        const done = (e) => {
            if (!assertion.passed) return;
            if (e) fail(assertion, e);
            tell(assertion);
        };
        try {
            if (typeof body === 'function') body(waits ? done : undefined);
            if (!waits) tell(assertion);
        } catch (e) {
            fail(assertion, e);
            tell(assertion);
        }
        return this;
    }
    test.skip = function (name) {
        tell(begin(name, true));
        return this;
    };
    test.index = () => count;
    // One entry of the legacy `tests`; told without pm.test's own.
    test.raise = (name, error) => tell({ ...begin(name, false), passed: !error, error });
    return test;
}
