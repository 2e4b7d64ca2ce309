// SPDX-License-Identifier: Apache-2.0
// pm.expect: chai with Postman's assertions on requests and responses. Their messages are those
// that people know from Postman.
import { modules } from './modules.js';
import { Request } from './request.js';
import { Response } from './response.js';

const classes = { info: 1, success: 2, redirection: 3, clientError: 4, serverError: 5 };
const statuses = {
    accepted: [202, 'Accepted'],
    withoutContent: [204, 'No Content'],
    badRequest: [400, 'Bad Request'],
    unauthorised: [401, 'Unauthorised'],
    unauthorized: [401, 'Unauthorized'],
    forbidden: [403, 'Forbidden'],
    notFound: [404, 'Not Found'],
    notAcceptable: [406, 'Acceptable'],
    rateLimited: [429, 'Too Many Requests'],
};

// "a.b[0].c" → ["a", "b", "0", "c"]; an own member of that very name wins.
function walk(value, path) {
    if (value !== null && typeof value === 'object' && Object.hasOwn(value, path)) return [true, value[path]];
    const keys = path.replace(/\[(?:(["'])(.*?)\1|([^\]]*))\]/g, (m, q, quoted, bare) => `.${quoted ?? bare}`)
        .replace(/^\./, '').split('.');
    for (const key of keys) {
        if (value === null || value === undefined || !Object.hasOwn(Object(value), key)) return [false, undefined];
        value = value[key];
    }
    return [true, value];
}

function jsonOf(response) {
    try {
        return { value: response.json() };
    } catch (e) {
        const text = String(e.message).replace(/(.*?)\n[\s\S]*/, '$1');
        return { fault: e.name === 'JSONError' && e.message ? text : `${e.name}: ${e.message}` };
    }
}

function plugin(chai, utils) {
    const { Assertion } = chai;
    const isResponse = Response.isResponse;
    const isRequest = Request.isRequest;
    const isEqual = (a, b) => utils.eql(a, b);

    // Chains of chai are dear: they are built where one of them is going to fail, for its message.
    function needResponse(assertion, member, type) {
        const response = assertion._obj;
        if (!isResponse(response)) new Assertion(response).to.be.postmanResponse;
        if (!member) return response;
        if (!(member in response)) new Assertion(response).to.have.property(member);
        if (typeof response[member] !== type) new Assertion(response[member]).to.be.a(type);
        return response;
    }

    function kind(name, test, article) {
        Assertion.addProperty(name, function () {
            this.assert(test(this._obj), `expecting a postman ${article} object but got #{this}`,
                `not expecting a postman ${article} object`);
        });
    }
    kind('postmanRequest', isRequest, 'request');
    kind('postmanResponse', isResponse, 'response');
    kind('postmanRequestOrResponse', (v) => isRequest(v) || isResponse(v), 'request or response');

    function codeClass(assertion, wanted) {
        const { code } = needResponse(assertion, 'code', 'number');
        assertion.assert(Math.floor(code / 100) === wanted, 'expected response code to be #{exp}XX but found #{act}',
            'expected response code to not be #{exp}XX', wanted, code);
    }
    Assertion.addMethod('statusCodeClass', function (wanted) {
        codeClass(this, wanted);
    });
    for (const name of Object.keys(classes)) {
        Assertion.addProperty(name, function () {
            codeClass(this, classes[name]);
        });
    }
    Assertion.addProperty('error', function () {
        const { code } = needResponse(this, 'code', 'number');
        this.assert(code >= 400 && code < 600, 'expected response code to be 4XX or 5XX but found #{act}',
            'expected response code to not be 4XX or 5XX', null, code);
    });

    function statusCode(assertion, wanted, code) {
        assertion.assert(code === Number(wanted), 'expected response to have status code #{exp} but got #{act}',
            'expected response to not have status code #{act}', Number(wanted), code);
    }
    function statusReason(assertion, wanted, reason) {
        assertion.assert(reason === wanted, 'expected response to have status reason #{exp} but got #{act}',
            'expected response to not have status reason #{act}', wanted, reason);
    }
    Assertion.addMethod('statusCode', function (wanted) {
        statusCode(this, wanted, needResponse(this, 'code', 'number').code);
    });
    Assertion.addMethod('statusReason', function (wanted) {
        statusReason(this, String(wanted), needResponse(this, 'reason', 'function').reason());
    });
    Assertion.addMethod('status', function (wanted) {
        if (typeof wanted === 'number') statusCode(this, wanted, needResponse(this, 'code', 'number').code);
        else statusReason(this, wanted, needResponse(this, 'reason', 'function').reason());
    });

    function named(assertion, code, reason) {
        const response = needResponse(assertion, 'reason', 'function');
        statusReason(assertion, reason.toUpperCase(), String(response.reason()).toUpperCase());
        statusCode(assertion, code, Number(response.details().code));
    }
    for (const name of Object.keys(statuses)) {
        Assertion.addProperty(name, function () {
            named(this, ...statuses[name]);
        });
    }
    // chai's own `ok` stays for everything that isn't a response.
    Assertion.overwriteProperty('ok', (original) => function () {
        if (isResponse(this._obj)) named(this, 200, 'OK');
        else original.call(this);
    });

    Assertion.addMethod('header', function (name, value) {
        new Assertion(this._obj).to.be.postmanRequestOrResponse;
        const what = isRequest(this._obj) ? 'request' : 'response';
        const { headers } = this._obj;
        const there = headers.has(name);
        this.assert(there, `expected ${what} to have header with key '${String(name)}'`,
            `expected ${what} to not have header with key '${String(name)}'`, true, there);
        if (arguments.length < 2) return;
        const actual = headers.one(name).value;
        this.assert(actual === value, `expected '${String(name)}' ${what} header to be #{exp} but got #{act}`,
            `expected '${String(name)}' ${what} header to not be #{act}`, value, actual);
    });

    function content(assertion) {
        const text = needResponse(assertion, 'text', 'function').text();
        assertion.assert(typeof text === 'string' && text.length, 'expected response to have content in body',
            'expected response to not have content in body');
    }
    Assertion.addProperty('withBody', function () {
        content(this);
    });
    Assertion.addProperty('json', function () {
        const { fault } = jsonOf(needResponse(this, 'json', 'function'));
        this.assert(!fault, `expected response body to be a valid json but got error ${fault}`,
            'expected response body not to be a valid json');
    });
    Assertion.addMethod('body', function (wanted) {
        if (arguments.length === 0) return content(this);
        if (Object.prototype.toString.call(wanted) === '[object Object]') {
            const { value } = jsonOf(needResponse(this, 'json', 'function'));
            return this.assert(isEqual(value, wanted), 'expected response body json to equal #{exp} but got #{act}',
                'expected response body json to not equal #{exp} but got #{act}', wanted, value);
        }
        const text = needResponse(this, 'text', 'function').text();
        if (wanted instanceof RegExp) {
            return this.assert(wanted.exec(text) !== null, 'expected response body text to match #{exp} but got #{act}',
                'expected response body text #{act} to not match #{exp}', wanted, text);
        }
        this.assert(text === wanted, 'expected response body to equal #{exp} but got #{act}',
            'expected response body to not equal #{exp}', wanted, text);
    });
    Assertion.addMethod('jsonBody', function (path, wanted) {
        const { value, fault } = jsonOf(needResponse(this, 'json', 'function'));
        if (arguments.length === 0) {
            this.assert(!fault, `expected response body to be a valid json but got error ${fault}`,
                'expected response body not to be a valid json');
            return;
        }
        if (typeof path !== 'string') return;
        const [there, actual] = walk(value, path);
        this.assert(there, 'expected #{act} in response to contain property #{exp}',
            'expected #{act} in response to not contain property #{exp}', path, value);
        if (arguments.length < 2) return;
        this.assert(isEqual(actual, wanted), `expected response body json at "${path}" to contain #{exp} but got #{act}`,
            `expected response body json at "${path}" to not contain #{exp} but got #{act}`, wanted, actual);
    });

    // A JSON Schema of draft 4 to 7, by Ajv with its `options`.
    Assertion.addMethod('jsonSchema', function (schema, options) {
        new Assertion(schema).to.be.an('object');
        const Ajv = modules.load('ajv');
        const ajv = new Ajv({ allErrors: true, logger: false, ...options });
        const valid = ajv.validate(schema, isResponse(this._obj) ? this._obj.json() : this._obj);
        this.assert(valid, `expected data to satisfy schema but found following errors: \n${ajv.errorsText()}`,
            'expected data to not satisfy schema', true, valid);
    });

    function measure(name, valueOf, valid, equal) {
        Assertion.addChainableMethod(name, function (wanted) {
            const actual = utils.flag(this, 'number');
            this.assert(typeof actual === 'number', ...valid, null, actual);
            if (arguments.length) this.assert(isEqual(actual, wanted), ...equal, wanted, actual);
        }, function () {
            new Assertion(this._obj).to.be.postmanResponse;
            const value = valueOf(this._obj);
            utils.flag(this, 'number', value);
            this._obj = value;
        });
    }
    const invalid = (what) => [`expected response to have a valid response ${what} but got #{act}`,
        `expected response to not have a valid response ${what} but got #{act}`];
    measure('responseTime', (r) => r.responseTime, invalid('time'), invalid('time'));
    measure('responseSize', (r) => {
        const { header, body } = r.size();
        return (header || 0) + (body || 0);
    }, invalid('size'), ['expected response size to equal #{act} but got #{exp}', 'expected response size to not equal #{act} but got #{exp}']);
}

let chai;
export const hasChai = () => chai !== undefined;
export function loadChai() {
    if (!chai) {
        chai = modules.load('chai');
        chai.use(plugin);
    }
    return chai;
}
