// SPDX-License-Identifier: Apache-2.0
// Collections made from seeds, and the server that they are for. A seed makes the same collection as
// long as this file stays. Nothing of them depends on time or chance, so that two runners can be compared.
import { createServer } from 'node:http';

/** Numbers from a seed (mulberry32), and what is drawn by them. */
function dice(seed) {
  const next = () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
  const below = (n) => Math.floor(next() * n);
  const pick = (list) => list[below(list.length)];
  const often = (chance) => next() < chance;
  const some = (most, make) => Array.from({ length: below(most + 1) }, (_, i) => make(i));
  return { below, pick, often, some };
}

// ---- texts, variables, URLs ---------------------------------------------------------------------

const names = ['a', 'b', 'c', 'id', 'who', 'x y', 'deep'];
const words = ['one', 'two words', 'ü', '%20', '100%', 'a+b', "it's", '"q"', '<t>', 'p|q', '', '0', '-1.5', 'true', 'null', '{"k":1}', '[1,2]', 'a&b=c', '#h', '?'];

function text(d) {
  return d.pick([() => d.pick(words), () => `{{${d.pick(names)}}}`, () => `${d.pick(words)}{{${d.pick(names)}}}`, () => `{{${d.pick(names)}}}{{none}}`, () => `{{{{${d.pick(names)}}}}}`, () => `{{ ${d.pick(names)} }}`])();
}

const variable = (d) => {
  const value = d.pick([() => text(d), () => d.below(100), () => d.often(0.5), () => null, () => text(d), () => d.pick(names)])();
  return { key: d.pick(names), value, ...(d.often(0.2) && { type: d.pick(['string', 'number', 'boolean', 'any', 'default', 'secret']) }), ...(d.often(0.1) && { disabled: true, enabled: false }) };
};
const scope = (d) => d.some(5, () => variable(d));

const pair = (d, key = d.pick(['k', 'q', 'K', 'x-h', 'same'])) => ({ key, value: text(d), ...(d.often(0.15) && { disabled: true }) });

// What the server does with the first segment of a path.
const routes = ['s404', 's500', 's204', 's201', 's401', 's403', 's406', 's429', 'to', 'cookie', 'xml', 'text', 'empty', 'list', 'digest', 'latin1', 'reason'];

function url(d, base) {
  const segment = () => d.pick([() => encodeURI(d.pick(words)).replace(/[?#]/g, ''), () => `{{${d.pick(names)}}}`, () => ':id', () => d.pick(['x', 'Y', 'z.json', '..', '.', 'a b', ':id.json', ':none'])])();
  const path = [...(d.often(0.4) ? [d.pick(routes)] : []), ...d.some(4, segment)];
  const query = d.some(4, () => pair(d)).map((q) => (d.often(0.1) ? { ...q, value: null } : q));
  if (d.often(0.3)) return `${base}/${path.join('/')}${query.length ? `?${query.filter((q) => !q.disabled).map((q) => `${q.key}=${q.value}`).join('&')}` : ''}${d.often(0.1) ? '#top' : ''}`;
  const { hostname, port } = new URL(base);
  const more = d.often(0.05) ? { auth: { user: 'u', password: d.pick(['p', 'a%20b', '']) } } : d.often(0.05) ? { hash: 'end' } : {};
  const variables = d.often(0.7) ? [{ key: 'id', value: text(d), ...(d.often(0.1) && { disabled: true }) }] : undefined;
  return { protocol: 'http', host: hostname.split('.'), port, path: d.often(0.1) ? path.join('/') : path, query, ...more, variable: path.join('/').includes(':id') ? variables : undefined };
}

// ---- bodies and auth ----------------------------------------------------------------------------

function body(d) {
  const mode = d.pick(['raw', 'raw', 'urlencoded', 'formdata', 'graphql', 'file']);
  const content = {
    raw: () => d.pick([() => text(d), () => JSON.stringify({ v: text(d) }), () => '<a>{{a}}</a>', () => '{ "a": "{{a}}" /* why */ } // end', () => ({ v: text(d) })])(),
    urlencoded: () => d.some(4, () => pair(d)), formdata: () => d.some(3, () => ({ ...pair(d), type: 'text', ...(d.often(0.1) && { contentType: 'application/json' }) })),
    graphql: () => ({ query: '{ a(id: "{{id}}") }', variables: d.pick(['', '{"x": 1}', '{"x": "{{a}}"}']), ...(d.often(0.2) && { operationName: 'a' }) }),
    file: () => d.pick([{ src: 'none.txt' }, {}]),
  };
  return { mode, [mode]: content[mode](), ...(mode === 'raw' && d.often(0.4) && { options: { raw: { language: d.pick(['json', 'xml', 'text', 'html', 'javascript']) } } }),
    ...(d.often(0.05) && { disabled: true }) };
}

const parameters = (o) => Object.entries(o).map(([key, value]) => ({ key, value, type: typeof value }));
const auths = {
  basic: (d) => ({ username: text(d), password: text(d) }),
  bearer: (d) => ({ token: text(d) }),
  apikey: (d) => ({ key: d.pick(['X-Key', 'k']), value: text(d), in: d.pick(['header', 'query']) }),
  noauth: () => undefined,
  oauth2: (d) => ({ accessToken: text(d), addTokenTo: d.pick(['header', 'queryParams']), ...(d.often(0.4) && { headerPrefix: d.pick(['Token', '', 'Bearer ']) }), ...(d.often(0.2) && { tokenType: d.pick(['mac', 'bearer']) }) }),
  jwt: (d) => ({ algorithm: d.pick(['HS256', 'HS384', 'HS512']), secret: 'k{{a}}-a-secret-that-is-long-enough', payload: d.pick(['{"sub":"{{a}}"}', '{"n":1}']), header: d.pick(['{}', '{"kid":"1"}']), addTokenTo: d.pick(['header', 'queryParam']), ...(d.often(0.3) && { headerPrefix: 'JWT' }) }),
  oauth1: (d) => ({ consumerKey: 'ck', consumerSecret: text(d), token: 't', tokenSecret: 'ts', signatureMethod: d.pick(['HMAC-SHA1', 'HMAC-SHA256', 'HMAC-SHA512', 'PLAINTEXT']), timestamp: '1600000000', nonce: 'n0', version: '1.0', realm: d.pick(['', 'r']), addParamsToHeader: d.often(0.6), addEmptyParamsToSign: d.often(0.3), includeBodyHash: d.often(0.2) }),
  hawk: (d) => ({ authId: 'i', authKey: text(d), algorithm: d.pick(['sha1', 'sha256']), nonce: 'n0', timestamp: '1600000000', extraData: d.pick(['', 'x']), app: '', delegation: '', user: '', includePayloadHash: d.often(0.3) }),
  edgegrid: () => ({ accessToken: 'a', clientToken: 'c', clientSecret: 's', nonce: 'n0', timestamp: '20200101T00:00:00+0000', baseURL: '', headersToSign: '' }),
  digest: (d) => ({ username: 'u', password: text(d), realm: d.pick(['', 'r']), nonce: d.pick(['', 'n0']), algorithm: d.pick(['MD5', 'SHA-256', 'MD5-sess']), qop: d.pick(['', 'auth', 'auth-int']), nonceCount: '00000001', clientNonce: 'cn', opaque: d.pick(['', 'o']) }),
};
function auth(d) {
  const type = d.pick([...Object.keys(auths), 'basic', 'bearer', 'apikey']);
  const content = auths[type](d);
  return { type, ...(content && { [type]: parameters(content) }) };
}

const behaviour = (d) => ({ protocolProfileBehavior: d.pick([{ disableBodyPruning: true }, { followRedirects: false }, { disableCookies: true }, { maxRedirects: 1 },
  { followOriginalHttpMethod: true }, { removeRefererHeaderOnRedirect: true }, { followAuthorizationHeader: true }, { disabledSystemHeaders: { accept: true, 'cache-control': true, 'user-agent': true } }, { disabledSystemHeaders: { 'content-type': true, 'accept-encoding': true } }]) });

// ---- assertions ---------------------------------------------------------------------------------

const literal = (d) => d.pick(["'abc'", '1', '0', '-0', 'NaN', 'null', 'undefined', 'true', '[1, 2, 3]', '[]', '{}', '{ a: 1, b: { c: [2] } }', '[{ a: 1 }]',
  "''", '/x/', 'new Date(0)', 'new Map([[1, 2]])', 'new Set([1])', "Symbol.for('s')", '() => 1', "new Error('e')", 'pm.response.json()', 'pm.response.code', '[null, undefined]', '1e21', "'a\\nb'", 'Object.freeze({ a: 1 })']);
const chains = [
  (d) => `.to.${d.pick(['equal', 'eql', 'deep.equal', 'not.equal', 'not.eql', 'include', 'contain', 'not.include', 'deep.include', 'have.members', 'have.deep.members', 'include.members', 'have.ordered.members'])}(${literal(d)})`,
  (d) => `.to.be.${d.pick(['ok', 'true', 'false', 'null', 'undefined', 'NaN', 'empty', 'not.empty', 'an("array")', 'a("string")', 'an("object")', 'a("number")', 'finite', 'frozen', 'sealed', 'extensible', 'arguments'])}`,
  (d) => `.to.have.${d.pick(['lengthOf', 'property', 'nested.property', 'own.property', 'keys', 'any.keys', 'all.keys', 'deep.property', 'not.property', 'string', 'ownPropertyDescriptor'])}(${d.pick(["'a'", "'b.c[0]'", '3', "'length'", '0', "'a', 1"])})`,
  (d) => `.to.be.${d.pick(['above', 'below', 'at.least', 'at.most', 'lessThan', 'gte'])}(${d.pick(['0', '1', '100', "'x'"])})`,
  (d) => `.to.be.within(${d.below(3)}, ${d.below(9)})`, (d) => `.to.be.closeTo(${d.below(3)}, 1)`, (d) => `.to.match(${d.pick(['/a/', '/^$/', '/\\d/'])})`,
  (d) => `.to.be.oneOf([${literal(d)}, ${literal(d)}])`, (d) => `.to.satisfy((v) => v ${d.pick(['> 0', '== null', '!== 1'])})`,
  (d) => `.to.throw(${d.pick(['', "'e'", 'Error', '/x/'])})`, () => '.to.be.a("string").and.have.lengthOf(3)', () => '.to.exist', (d) => `.to.be.instanceOf(${d.pick(['Array', 'Object', 'Date', 'Map'])})`, (d) => `.to.respondTo('${d.pick(['get', 'map'])}')`,
  (d) => `.to.have.lengthOf.${d.pick(['above', 'at.most', 'within'])}(${d.below(4)}, 9)`, () => ".to.jsonSchema({ type: 'object', required: ['a'] })", (d) => `.to.be.postman${d.pick(['Request', 'Response', 'RequestOrResponse'])}`,
];
const ofResponse = ['have.status(200)', 'have.status(404)', "have.status('OK')", 'be.ok', 'be.notFound', 'be.success', 'be.error', 'be.json', 'have.jsonBody()', "have.jsonBody('method')",
  "have.jsonBody('method', 'GET')", "have.header('content-type')", "have.header('X-None')", 'be.withBody', "have.body('x')", 'have.body(/method/)', 'not.be.ok', 'have.jsonSchema({ required: ["none"] })',
  'be.info', 'be.redirection', 'be.clientError', 'be.serverError', 'have.statusCodeClass(2)', 'have.statusCode(200)', "have.statusReason('OK')", 'be.accepted', 'be.withoutContent', 'be.badRequest',
  'be.unauthorised', 'be.unauthorized', 'be.forbidden', 'be.notAcceptable', 'be.rateLimited', "have.header('content-type', 'application/json')", "have.header('content-type', 'x')", "have.jsonBody({ a: 1 })",
  "have.body({ a: 1 })", 'have.body()', "have.jsonBody('headers[0][0]', 'Accept')", "have.jsonBody('none')", 'have.responseTime', 'have.responseTime.above(-1)', 'have.responseSize.above(1e6)', 'not.have.body()',
  "not.have.header('content-type')", 'not.have.status(200)', 'not.be.json', 'not.be.error', "not.have.jsonBody('method')", 'exist', 'be.an("object")', 'have.property("code", 200)', 'be.a.postmanResponse', 'not.be.success'];

// ---- scripts ------------------------------------------------------------------------------------

const scopes = ['environment', 'globals', 'collectionVariables', 'variables'];
const value = (d) => d.pick([`'${d.pick(['v', '{{a}}', 'ü', '', '{{none}}', '7'])}'`, '1', 'null', 'undefined', 'true', '{ a: 1 }', '[1]', 'NaN', 'new Date(0)', '[1, [2, { b: null }]]', '-0', '12345678901234567890', "Object.assign([], { x: 1 })"]);
const setter = (d) => d.pick([
  () => `pm.${d.pick(scopes)}.set('${d.pick(names)}', ${value(d)});`, () => `pm.${d.pick(scopes)}.set('${d.pick(names)}', ${value(d)});`,
  () => `pm.${d.pick(scopes)}.set('${d.pick(names)}', ${value(d)}, '${d.pick(['string', 'number', 'boolean', 'json', 'any', 'array', 'object', 'odd'])}');`,
  () => `pm.${d.pick(scopes)}.unset('${d.pick(names)}');`, () => `pm.${d.pick(scopes.slice(0, 3))}.clear();`,
  () => `postman.set${d.pick(['Environment', 'Global'])}Variable('${d.pick(names)}', ${d.pick(["'x'", '1', 'null', '{}', 'undefined', 'false', '[1, 2]'])});`,
  () => `postman.clear${d.pick(['Environment', 'Global'])}Variable('${d.pick(names)}');`, () => `postman.clear${d.pick(['Environment', 'Global'])}Variables();`,
])();

const lists = ['pm.request.headers', 'pm.request.url.query', '(pm.request.body && pm.request.body.urlencoded || pm.request.headers)', 'pm.request.url.variables', 'pm.environment.values', 'pm.cookies'];
const ofList = (d) => {
  const key = d.pick(['k', 'q', 'K', 'same', 'Content-Type', 'id', 'a']);
  return d.pick([`all()`, `one('${key}')`, `get('${key}')`, `count()`, `has('${key}')`, `has('${key}', 'one')`, `idx(0)`, `indexOf('${key}')`, `toObject()`, `toObject(true)`, `toObject(false, true)`, `toObject(false, false, true)`,
    `toObject(true, false, true, true)`, `toJSON()`, `toString()`, `map((x) => x.key)`, `filter((x) => x.disabled).length`, `find((x) => x.key === '${key}')`, `reduce((n, x) => n + x.key, '')`]);
};
const shown = (d) => {
  const name = d.pick(names);
  return d.pick([`pm.variables.get('${name}')`, `pm.${d.pick(scopes)}.get('${name}')`, `pm.${d.pick(scopes)}.has('${name}')`, `pm.variables.replaceIn('{{${name}}}/{{none}}')`,
    `pm.${d.pick(scopes)}.toObject()`, 'pm.info.requestName', 'pm.execution.location', 'pm.request.url.toString()', 'pm.request.method', 'pm.request.headers.toObject()', 'pm.request.body',
    `pm.${d.pick(scopes)}.replaceIn('{{${name}}}')`, 'pm.request.url.getPath()', 'pm.request.url.getQueryString()', 'pm.request.toJSON().url.path', 'pm.info.iteration', 'pm.iterationData.toObject()',
    'typeof pm.response', '_.map([1, 2], (n) => n * 2)', "require('lodash').get({ a: [1] }, 'a[0]')", "CryptoJS.MD5('a').toString()", '[3, 1, 2].sum()', "'x'.repeat(3)",
    `${d.pick(lists)}.${ofList(d)}`, `${d.pick(lists)}.${ofList(d)}`, `pm.iterationData.get('${name}')`, 'pm.iterationData.toJSON()', `pm.iterationData.has('${name}')`, `pm.variables.replaceIn({ a: '{{${name}}}', b: ['{{none}}', 1] })`,
    'pm.info.eventName', 'pm.info.iterationCount', 'pm.info', 'pm.execution.location.current', 'pm.request.url.getHost()', 'pm.request.url.getPath(true)', 'pm.request.url.getPathWithQuery()', 'pm.request.url.getOAuth1BaseUrl().length',
    'pm.request.url.path', 'pm.request.url.host', 'pm.request.url.hash', 'pm.request.url.auth', 'pm.request.body && pm.request.body.toString()', 'pm.request.body && pm.request.body.isEmpty()', 'pm.request.body && pm.request.body.mode',
    'pm.request.auth', 'pm.request.auth && pm.request.auth.type', 'pm.request.getHeaders()', 'pm.request.getHeaders({ ignoreCase: true, enabled: true })', 'pm.request.size()', 'pm.request.clone().method', 'Object.keys(pm.request.toJSON())',
    'pm.request.name', 'pm.request.id', 'environment', 'globals', 'data', 'iteration', 'request.method', 'request.url', 'request.headers', 'request.data', 'request.name', 'typeof responseBody', `environment['${name}']`,
    'pm.environment.name', 'pm.globals.values.count()', 'typeof process', "xml2Json('<a b=\"1\"><c>2</c></a>')", "tv4.validate(1, { type: 'string' })",
    "require('crypto-js').HmacSHA256('a', 'b').toString()", "require('uuid').v4().length", "require('moment')(0).utc().format()", "cheerio.load('<p>x</p>')('p').text()", "require('xml2js') && 1", "require('csv-parse/lib/sync')('a,b\\n1,2')",
    "require('none')", "require('querystring').stringify({ a: [1, 'ü'] })", "require('url').parse('http://a/b?c=d').query", "Buffer.from('ü').toString('hex')", "JSON.parse('[1')", "JSON.parse('{\"a\":1}').a", "'abc'.has('b')", '[1, 2].first()',
    '[1, 2, 2].unique()', "'ab'.capitalize()", "new (require('postman-collection').Url)('http://a.b/c?d=e').toJSON()", "new (require('postman-collection').Header)('A: b').toString()", 'pm.visualizer.set("x {{a}}", { a: 1 })', "pm.request.forEachHeader && 1",
    "require('util').inspect({ a: [1] })", "require('path').join('a', '..', 'b')", "(1234.5).toLocaleString()", "new Date(0).toISOString()", "[1,2,3].toString()", "Number.range(1, 3).toArray()"]);
};
const shownAfter = (d) => d.pick(['pm.response.code', 'pm.response.status', 'pm.response.reason()', 'pm.response.text().length', 'pm.response.headers.get("content-type")', 'pm.response.contentInfo()', 'pm.response.details()', 'pm.response.encoding()', 'pm.response.json()',
  'pm.response.size().body', 'pm.response.headers.toObject(false, true)["X-Many"]', 'pm.response.headers.all().map((h) => h.key)', 'pm.cookies.toObject()', "pm.cookies.get('c')", "pm.cookies.has('c')", 'pm.cookies.all().map((c) => [c.name, c.value, c.path, c.httpOnly])',
  'pm.response.dataURI().length', 'responseCode', 'responseHeaders["Content-Type"]', 'responseCookies.length', "postman.getResponseHeader('content-type')", "postman.getResponseCookie('c')",
  'responseBody', 'pm.response.stream.length', 'pm.response.mime()', 'pm.response.responseSize', 'typeof pm.response.responseTime', 'pm.response.id.length']);
const show = (d, what = shown(d)) => `pm.test('${d.pick(['s', 't'])} ' + (() => { try { return JSON.stringify(${what}); } catch (e) { return e.name + (/^(Type|Reference|Syntax|Range)Error$/.test(e.name) ? '' : e.message); } })(), () => {});`;

const mutate = (d) => d.pick([`pm.request.headers.add({ key: 'X-Added', value: '{{a}}' });`, `pm.request.headers.upsert({ key: 'k', value: 'up' });`, `pm.request.headers.remove('k');`,
  `pm.request.addQueryParams('added={{b}}');`, `pm.request.removeQueryParams('q');`, "pm.request.method = 'PUT';", `pm.request.url.path.push('more');`, "pm.request.body && pm.request.body.update('new {{c}}');",
  'pm.request.auth = undefined;', 'pm.request.url.query.clear();', "pm.request.addHeader('X-Line: {{a}}');", "pm.request.addHeader({ key: 'X-Obj', value: '1' });", "pm.request.upsertHeader({ key: 'q', value: 'up' });", "pm.request.removeHeader('K');",
  "pm.request.removeHeader('K', { ignoreCase: true });", "pm.request.addQueryParams([{ key: 'one', value: 'a&b' }, { key: 'two' }]);", "pm.request.removeQueryParams(['k', 'same']);", "pm.request.authorizeUsing('basic', { username: 'u', password: '{{a}}' });",
  "pm.request.authorizeUsing('bearer', [{ key: 'token', value: 't' }]);", 'pm.request.authorizeUsing(null);', "pm.request.body = { mode: 'raw', raw: '{{a}}' };", "pm.request.body = 'plain {{b}}';", "pm.request.body && pm.request.body.update({ mode: 'urlencoded', urlencoded: [{ key: 'x', value: '{{a}}' }] });",
  "pm.request.headers.insert({ key: 'First', value: '1' }, 'k');", "pm.request.headers.prepend({ key: 'Zero', value: '0' });", "pm.request.headers.populate([{ key: 'P', value: 'p' }]);", "pm.request.headers.assimilate([{ key: 'k', value: 'as' }]);",
  "pm.request.url.query.add({ key: 'z', value: null });", "pm.request.url.query.upsert({ key: 'k', value: 'up' });", "pm.request.url.query.populate('m=1&n');", "pm.request.url.variables.upsert({ key: 'id', value: 'V' });", "pm.request.url.update(pm.request.url.toString() + '&u=1');",
  "pm.request.url.hash = 'h';", "pm.request.url.path = ['only', '{{a}}'];", "pm.request.body && pm.request.body.urlencoded && pm.request.body.urlencoded.add({ key: 'b', value: '2' });", "pm.request.headers.each((h) => { h.value = h.value + '!'; });", "pm.request.method = 'post';",
  "pm.request.update({ url: pm.request.url.toString(), method: 'PATCH' });", "pm.request.headers.clear();"]);
const bad = ["throw new TypeError('bad');", 'undefinedName;', "throw 'text';", 'null.x;', 'let 1x;', 'pm.expect(1).to.eql(2);', "JSON.parse('{');", 'throw null;', "throw { name: 'N', message: 'm' };", 'const data = 1;', 'return;', "if (true) return; x();", 'pm.nothing();', "pm.environment.get.x.y;"];

const waiting = (d, base) => {
  const at = `${base}/${d.pick(['x', 's404', 'cookie', 'list', 'to', '{{a}}', 'xml', 's204'])}`;
  const request = d.pick([`'${at}'`, `{ url: '${at}', method: 'POST', body: { mode: 'raw', raw: '{{a}}' } }`, `{ url: '${at}', header: { A: 'b', C: '{{a}}' } }`, `{ url: '${at}', header: ['A: b'] }`, `{ url: '${at}', method: 'PUT', body: { mode: 'urlencoded', urlencoded: [{ key: 'a', value: 'b c' }] } }`,
    `{ url: '${at}', header: [{ key: 'A', value: '1' }, { key: 'A', value: '2' }], auth: { type: 'basic', basic: [{ key: 'username', value: 'u' }, { key: 'password', value: 'p' }] } }`, `{ url: '${at}?q=a b&r={{b}}', method: 'GET', body: 'text' }`, `pm.request`, `new (require('postman-collection').Request)('${at}')`]);
  const jar = `pm.cookies.jar().${d.pick([`set('${base}', 'j', 'v', (e, c) => pm.test('jar ' + e + c, () => {}))`, `get('${base}', 'c', (e, c) => pm.test('jar ' + e + c, () => {}))`, `getAll('${base}', (e, c) => pm.test('jar ' + e + c.map((x) => x.name), () => {}))`, `unset('${base}', 'c', (e) => pm.test('jar ' + e, () => {}))`, `clear('${base}', (e) => pm.test('jar ' + e, () => {}))`,
    `set('${base}', { name: 'o', value: 'a b', path: '/x', httpOnly: true }, (e, c) => pm.test('jar ' + e + c, () => {}))`])};`;
  return d.pick([`pm.sendRequest(${request}, (e, r) => pm.test('asked ' + e + (r && r.code) + (r && r.text && r.text()), () => {}));`, jar,
    `pm.sendRequest(${request}, (e, r) => { pm.environment.set('${d.pick(names)}', r.code); pm.test('r', () => pm.expect(r).to.${d.pick(ofResponse)}); });`,
    "setTimeout(() => pm.test('timer', () => {}), 1);", "let n = 0; const i = setInterval(() => { if (++n > 2) clearInterval(i); else pm.test('tick ' + n, () => {}); }, 1);", "setTimeout((a) => pm.test('given ' + a, () => {}), 1, 'x');",
    `pm.test('async', (done) => setTimeout(() => done(${d.pick(['', "new Error('late')", "'text'"])}), ${d.below(5)}));`,
    "Promise.resolve(1).then((v) => pm.test('then ' + v, () => {}));", "pm.test('promised', async () => { await null; pm.expect(1).to.eql(1); });", "setImmediate(() => pm.test('immediate', () => {}));"]);
};

function script(d, when, items, base) {
  const name = () => d.pick([`'r${d.below(items)}'`, `'r${d.below(items)}'`, 'null', "'nowhere'", "'f'"]);
  const flow = () => `pm.variables.set('n', (pm.variables.get('n') || 0) + 1); if (pm.variables.get('n') < 4) ${d.pick(['pm.execution', 'postman'])}.setNextRequest(${name()});`;
  const always = [() => setter(d), () => show(d), () => show(d), () => show(d)];
  const before = [() => mutate(d), () => mutate(d), ...(d.often(0.1) ? [() => 'pm.execution.skipRequest();'] : [])];
  const chain = () => `pm.test('e', () => pm.expect(${literal(d)})${d.pick(chains)(d)});`;
  const after = [chain, chain, chain, () => `pm.test('r', () => pm.response.to.${d.pick(ofResponse)});`, () => `pm.test('r', () => pm.response.to.${d.pick(ofResponse)});`, () => "pm.test('sent ' + pm.response.text(), () => {});", () => show(d, shownAfter(d)), () => show(d, shownAfter(d)),
    () => `tests['${d.pick(['t', '1'])}'] = ${d.pick(['true', '0', "responseBody.has('GET')", 'responseCode.code === 200', "''", '{}'])};`,
    () => "pm.test.skip('skipped');", () => "pm.test('thrown', () => { throw " + d.pick(["new TypeError('x')", "'text'", 'null', '{ message: 1 }']) + '; });', () => "pm.test('nameless');"];
  const lines = d.some(6, () => d.pick([...always, ...(when === 'test' ? after : before)])());
  // What two of them do in which order is the clock's to say.
  if (d.often(0.4)) lines.splice(d.below(lines.length + 1), 0, waiting(d, base));
  if (d.often(0.1)) lines.push(flow());
  if (d.often(0.05)) lines.push(d.pick(bad));
  if (d.often(0.03)) lines.unshift('"use sandbox2";');
  return { listen: when, script: { type: 'text/javascript', exec: d.often(0.1) ? lines.join('\n') : lines }, ...(d.often(0.03) && { disabled: true }) };
}

const events = (d, items, base) => ['prerequest', 'test'].filter(() => d.often(0.6)).map((when) => script(d, when, items, base));

// ---- the whole ----------------------------------------------------------------------------------

function rows(d) {
  return d.often(0.25) ? Array.from({ length: 1 + d.below(2) }, () => Object.fromEntries(d.some(3, () => [d.pick(names), d.pick([text(d), d.below(9), null, true, { o: 1 }])]))) : undefined;
}

/** { document, environment, globals, data }: data is undefined when there is none. */
export function collection(seed, base) {
  const d = dice(seed);
  const count = 3 + d.below(8);
  const own = () => ({ ...(d.often(0.3) && { auth: auth(d) }) });
  const item = (i) => ({ name: `r${i}`, event: events(d, count, base), request: { method: d.pick(['GET', 'POST', 'PUT', 'DELETE', 'PATCH', 'HEAD', 'OPTIONS', 'get', 'COPY', 'LINK']), url: url(d, base),
    header: d.some(3, () => pair(d, d.pick(['k', 'q', 'K', 'x-h', 'same', 'Content-Type', 'Cookie', 'accept']))), ...(d.often(0.6) && { body: body(d) }), ...own() }, ...(d.often(0.1) && behaviour(d)) });
  const items = Array.from({ length: count }, (_, i) => item(i));
  const folder = (name, inside) => ({ name, event: d.often(0.5) ? events(d, count, base) : [], item: inside, ...own(), ...(d.often(0.05) && behaviour(d)) });
  const folded = d.often(0.4) ? [folder('f', d.often(0.4) ? [folder('g', items.splice(0, 2)), ...items.splice(0, 1)] : items.splice(0, 2)), ...items] : items;
  return { document: { info: { name: `seed ${seed}`, schema: 'https://schema.getpostman.com/json/collection/v2.1.0/collection.json' }, item: folded, variable: scope(d), event: d.often(0.3) ? events(d, count, base) : [], ...own(), ...(d.often(0.05) && behaviour(d)) },
    environment: { id: 'e', name: 'e', values: scope(d) }, globals: { id: 'g', name: 'g', values: scope(d) }, data: rows(d) };
}

// ---- the server ---------------------------------------------------------------------------------

const order = (a, b) => (a < b ? -1 : a > b ? 1 : 0);

const answers = {
  to: (res, req) => res.writeHead(req.url.includes('x') ? 307 : 302, { location: '/landed?by=to' }).end(),
  cookie: (res) => res.writeHead(200, { 'set-cookie': ['c=1%20x; Path=/; HttpOnly', 'd=2; Path=/cookie', 'gone=; Max-Age=0'], 'content-type': 'text/plain' }).end('cookies'),
  xml: (res) => res.writeHead(200, { 'content-type': 'application/xml; charset=utf-8' }).end('<a>ü</a>'),
  text: (res) => res.writeHead(200, { 'content-type': 'text/plain', 'x-many': ['1', '2'] }).end('abc'),
  empty: (res) => res.writeHead(200).end(),
  list: (res) => res.writeHead(200, { 'content-type': 'application/json' }).end('[{"a":1},{"a":null}]'),
  latin1: (res) => res.writeHead(200, { 'content-type': 'text/html; charset=iso-8859-1' }).end(Buffer.from([0xfc, 0xdf])),
  reason: (res) => res.writeHead(299, 'Quite So', { 'content-type': 'application/vnd.x+json' }).end('{"a":1}'),
  digest: (res, req, told) => (req.headers.authorization?.startsWith('Digest') ? told(200) : res.writeHead(401, { 'www-authenticate': 'Digest realm="r", nonce="sn", qop="auth", opaque="so"' }).end()),
};

/** Tells each request what it was, but for what is new in each run; some paths answer otherwise. */
export const server = () => createServer(async (req, res) => {
  let sent = '';
  for await (const piece of req.setEncoding('latin1')) sent += piece;
  const boundary = /boundary=(\S+)/.exec(req.headers['content-type'] ?? '')?.[1];
  const plain = (s) => (boundary ? s.replaceAll(boundary, 'B') : s);
  // Beyond ASCII newman sends Latin-1 or, with some bodies, UTF-8.
  // And its Referer has the fragment.
  const known = (h) => { try { return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.from(h, 'latin1')); } catch { return h; } };
  const headers = req.rawHeaders.flatMap((h, i, all) => (i % 2 || /^(postman-token|user-agent|content-length|connection)$/i.test(h) ? [] : [[h, known(plain(h === 'Referer' ? all[i + 1].split('#')[0] : all[i + 1]))]]));
  // Where Host and the system's own stand among the others is the client's to choose.
  headers.sort(([a], [b]) => order(a.toLowerCase(), b.toLowerCase()));
  const told = (status) => res.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify({ method: req.method, url: req.url, headers, sent: plain(sent) }));
  const [, route] = /^\/(\w+)/.exec(req.url) ?? [];
  if (Object.hasOwn(answers, route)) answers[route](res, req, told);
  else told(/^s\d{3}$/.test(route) ? Number(route.slice(1)) : 200);
});
