// SPDX-License-Identifier: Apache-2.0
// The table of test/bad-input.test.mjs: what is wrong, and what a person is told about it. The mark
// in a file is no part of it: it stands where the error must point to.
//
//   name    what is wrong
//   files   what lies in the folder; config/… is the person's own, not the project's
//   args    the command; env and input (its stdin) besides
//   code    the id of the error; the exit status is the one that the table of codes gives it
//   says    part of the message
//   hint    part of the fix; null where nobody can know one
//   state   true where the state folder is in use already; nothing else may be
//   place   FILE where the error is about a whole file; otherwise the mark tells it
//   report  what stdout holds where the command's answer is a report
import { generateKeyPairSync } from 'node:crypto';

export const MARK = '¶';

const schema = 'https://schema.getpostman.com/json/collection/v2.1.0/collection.json';
const good = JSON.stringify({ info: { name: 'c', schema }, item: [] });
const pem = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ type: 'pkcs8', format: 'pem' });
const pemText = JSON.stringify(pem);

/** What no output may show: parts of the keys and tokens below. */
export const SECRETS = [pem.slice(100, 130), 'refresh-me-1', 'client-secret-1', 'not-a-pem-but-secret'];

const utf16 = (text) => Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from(text, 'utf16le')]);

// ---- collections ----------------------------------------------------------------------------------

const collection = (name, text, code, says, hint, more = {}) => ({
  name, files: { 'c.json': text }, code, says, hint,
  args: ['run', 'c.json', '-r', 'json', '--reporter-json-export', 'report.json', '--export-environment', 'after.json'],
  ...more,
});
const items = (text) => `{"info": {"name": "c"},\n "item": [\n  ${text}]}`;

const collections = [
  collection('an empty file', '¶', 'GP-DATA-01', 'found the end of the text', 'the file is empty'),
  collection('nothing but blanks', ' \n  ¶', 'GP-DATA-01', 'found the end of the text', 'the file is empty'),
  collection('cut off in the middle', '{"info": {"name": "c"},\n "item": [{"name": "a", "request":¶', 'GP-DATA-01', 'expected a value, found the end', 'the text is cut off'),
  collection('cut off in a string', '{"info": {"name": "c"},\n "item": [{"name": "a¶', 'GP-DATA-01', 'the string is not closed', 'closing quote'),
  collection('a comma too many', '{"info": {"name": "c"},\n "item": [],¶}', 'GP-DATA-01', "found '}'", 'a comma too many'),
  collection('a comma too few', '{"info": {"name": "c"}\n ¶"item": []}', 'GP-DATA-01', "expected ',' or '}'", 'is a comma or a closing bracket missing'),
  collection('a colon missing', '{"info"¶ {}}'.replace('¶ ', ' ¶'), 'GP-DATA-01', "expected ':'", '"name": value'),
  collection('single quotes', "{¶'info': 1}", 'GP-DATA-01', 'double quotes', 'JSON strings stand in double quotes'),
  collection('comments', '{\n  ¶// mine\n  "info": {}}', 'GP-DATA-01', "found '/'", 'JSON has no comments'),
  collection('a line break in a string', '{"info": {"name": "a¶\nb"}}', 'GP-DATA-01', 'a control character', 'write \\n'),
  collection('an escape that is none', '{"info": {"name": "C:¶\\Users"}}', 'GP-DATA-01', 'no escape', 'a backslash itself is written \\\\'),
  collection('a word without quotes', '{"info": ¶demo}', 'GP-DATA-01', "found 'd'", 'text stands in double quotes'),
  collection('two values', '{"info": {}}\n¶{"info": {}}', 'GP-DATA-01', 'nothing more', 'a file holds one value'),
  collection('a web page', '¶<!DOCTYPE html>\n<html><body>Sign in</body></html>', 'GP-DATA-01', "found '<'", 'a web page or XML'),
  collection('YAML', '¶info:\n  name: c\n', 'GP-DATA-01', "found 'i'", 'this isn\'t JSON'),
  collection('a picture', Buffer.from([0x89, 0x50, 0x4e, 0x47, 0, 1, 2, 3]), 'GP-DATA-01', 'expected a value', 'this isn\'t JSON', { place: 'c.json:1:1' }),
  collection('UTF-16 that breaks off', utf16('{"info": {"name": "c"'), 'GP-DATA-01', 'found the end of the text', 'the text is cut off', { place: 'c.json:1:22' }),
  collection('nested without end', `${'['.repeat(256)}¶[${']'.repeat(257)}`, 'GP-DATA-03', 'nested deeper than 256 levels', null),
  collection('a text', '¶"collection"', 'GP-PM-01', "this isn't a Postman collection", 'export it from Postman'),
  collection('a number', '¶17', 'GP-PM-01', "this isn't a Postman collection", 'export it from Postman'),
  collection('an OpenAPI description', '¶{"openapi": "3.0.0", "info": {"title": "t"}, "paths": {}}', 'GP-PM-01', "this isn't a Postman collection", 'import it into Postman'),
  collection('a Swagger description', '¶{"swagger": "2.0", "info": {"title": "t"}, "paths": {}}', 'GP-PM-01', "this isn't a Postman collection", 'import it into Postman'),
  collection('an environment', '¶{"id": "1", "name": "e", "values": [{"key": "a", "value": "b"}]}', 'GP-PM-01', "this isn't a Postman collection", 'it goes behind -e or -g'),
  collection('a HAR file', '¶{"log": {"version": "1.2", "entries": []}}', 'GP-PM-01', "this isn't a Postman collection", 'HAR'),
  collection('a key file', `¶{"type": "service_account", "private_key": ${pemText}}`, 'GP-PM-01', "this isn't a Postman collection", 'this is a credential'),
  collection('a backup of Postman', '¶{"version": 1, "collections": [], "environments": []}', 'GP-PM-01', "this isn't a Postman collection", 'export it from Postman'),
  collection('item is an object', '{"info": {"name": "c"},\n "item": ¶{}}', 'GP-DATA-04', 'item: must be an array, not an object', 'a list in brackets'),
  collection('an item is a text', items('¶"a"'), 'GP-DATA-04', 'item[0]: must be an object, not a string', 'an object in braces'),
  collection('an item is neither request nor folder', items('¶{"name": "a"}'), 'GP-DATA-05', 'item[0]: is neither a request nor a folder', "a folder has 'item'"),
  collection('a request is a number', items('{"name": "a", "request": ¶7}'), 'GP-DATA-04', 'item[0].request: must be an object or a URL', 'the URL in quotes'),
  collection('a request is an array', items('{"name": "a", "request": ¶[]}'), 'GP-DATA-04', 'item[0].request: must be an object or a URL', 'the URL in quotes'),
  collection('a folder of a folder is wrong', items('{"name": "f", "item": [{"name": "g", "item": ¶7}]}'), 'GP-DATA-04', 'item[0].item[0].item: must be an array', 'a list in brackets'),
  collection('lint: cut off', '{"info": ¶', 'GP-DATA-01', 'found the end of the text', 'the text is cut off', { args: ['lint', '--fix', 'c.json'] }),
  { name: 'no such file', args: ['run', 'nope.json'], code: 'GP-DATA-08', says: "can't read 'nope.json'", hint: 'looked up from the current directory' },
  { name: 'a folder', args: ['run', '.'], code: 'GP-DATA-08', says: "'.' is a directory", hint: 'name the file in it' },
  { name: 'a scheme that is not fetched', args: ['run', 'ftp://h/c.json'], code: 'GP-DATA-08', says: "'ftp://h/c.json'", hint: 'https://' },
  { name: 'nobody serves it', args: ['run', 'http://127.0.0.1:1/c.json'], code: 'GP-FET-03', says: 'http://127.0.0.1:1/c.json', hint: 'is the port right' },
];

// ---- environments, globals, data, cookies, variables -----------------------------------------------

const besides = (option, file) => (name, text, code, says, hint, more = {}) => ({
  name, files: { 'c.json': good, [file]: text }, args: ['run', 'c.json', option, file], code, says, hint, ...more,
});
const environment = besides('-e', 'e.json');
const globals = besides('-g', 'g.json');
const data = besides('-d', 'd.json');
const csv = besides('-d', 'd.csv');
const jar = besides('--cookie-jar', 'j.json');

const values = [
  environment('an environment that is cut off', '{"values": [¶', 'GP-DATA-01', 'found the end of the text', 'the text is cut off'),
  environment('an environment in dotenv form', '¶BASE_URL=http://h\n', 'GP-DATA-01', "found 'B'", "this isn't JSON"),
  environment('an environment without values', '¶{"name": "e"}', 'GP-PM-02', "no list 'values'", '{"values": [{"key": NAME'),
  environment('an environment of bare names', '¶{"name": "e", "values": {"a": 1}}', 'GP-PM-02', "no list 'values'", '{"values": [{"key": NAME'),
  environment('a collection for an environment', `¶${good}`, 'GP-PM-02', "no list 'values'", 'this is a collection'),
  globals('globals that are a number', '¶5', 'GP-PM-02', 'globals must be an object, not a number', '{"values": [{"key": NAME'),
  globals('globals that are empty', '¶', 'GP-DATA-01', 'found the end of the text', 'the file is empty'),
  data('data that is one object', '¶{"a": 1}', 'GP-PM-07', 'must be an array of objects', 'put the object in brackets'),
  data('data of bare numbers', '[¶1, 2]', 'GP-PM-07', 'each row must be an object, not a number', 'an object for each iteration'),
  data('data that is cut off', '[{"a": 1},¶', 'GP-DATA-01', 'found the end of the text', 'the text is cut off'),
  csv('CSV with a quote left open', 'a,b\n1,¶"x\n', 'GP-DATA-01', 'never closed', 'written twice'),
  csv('CSV with text behind a quote', 'a,b\n"x"¶y,2\n', 'GP-DATA-01', 'may follow a closing quote', 'written twice'),
  { name: 'data that is not there', files: { 'c.json': good }, args: ['run', 'c.json', '-d', 'nope.csv'], code: 'GP-DATA-08', says: "can't read 'nope.csv'", hint: 'looked up from the current directory' },
  jar('a cookie jar that is text', '¶not json', 'GP-RUN-03', 'this is no cookie jar', "this isn't JSON"),
  jar('a cookie jar that is a list', '¶[]', 'GP-RUN-03', 'must be an object, not an array', 'in braces'),
  jar('a cookie jar without cookies', '¶{}', 'GP-RUN-03', 'cookies: is missing', "add 'cookies'"),
  jar('a cookie that is a text', '{"cookies": [¶"a=b"]}', 'GP-RUN-03', 'cookies[0]: must be an object', 'in braces'),
  jar('a cookie of no host', '{"cookies": [¶{"key": "a", "value": "b"}]}', 'GP-RUN-03', 'cookies[0].domain: is missing', "add 'domain'"),
];

// ---- service.yaml -----------------------------------------------------------------------------------

const service = (name, text, code, says, hint, more = {}) => ({
  name, files: { 'service.yaml': text }, args: ['up', 'service.yaml'], code, says, hint, ...more,
});
const head = 'apiVersion: serving.knative.dev/v1\nkind: Service\nmetadata:\n  name: orders\n';
const box = (line) => `${head}spec:\n  template:\n    spec:\n      containers:\n        - command: [python3, app.py]\n          ${line}\n`;
const pod = (line) => `${head}spec:\n  template:\n    spec:\n      ${line}\n      containers:\n        - command: [python3, app.py]\n`;
const traffic = (text) => `${box('name: app')}  traffic: ${text}\n`;
const onService = (text) => `${head}  annotations: {${text}}\nspec:\n  template:\n    spec:\n      containers:\n        - command: [python3, app.py]\n`;
const onTemplate = (text) => `${head}spec:\n  template:\n    metadata:\n      annotations: {${text}}\n    spec:\n      containers:\n        - command: [python3, app.py]\n`;

const services = [
  service('an empty file', '¶', 'GP-DATA-07', 'the file is empty', 'gcloud run services describe'),
  service('a deployment of Kubernetes', 'kind: Deployment\napiVersion: ¶apps/v1\nmetadata: {name: x}\n', 'GP-DATA-07', 'must be serving.knative.dev/v1', 'gcloud run services describe'),
  service('a job', head.replace('kind: Service', 'kind: ¶Job'), 'GP-UP-01', 'only a Service', 'kind: Service'),
  service('a compose file', '¶services:\n  web: {image: x}\n', 'GP-DATA-05', 'apiVersion: is missing', "add 'apiVersion'"),
  service('no name', 'apiVersion: serving.knative.dev/v1\nkind: Service\nmetadata: ¶{}\nspec: {}\n', 'GP-DATA-05', 'metadata.name: is missing', "add 'name'"),
  service('a name in capitals', head.replace('orders', '¶My_Orders'), 'GP-DATA-07', "'My_Orders'", 'starts with a letter'),
  service('no template', `${head}spec:\n  ¶traffic: []\n`, 'GP-DATA-05', 'spec.template: is missing', "add 'template'"),
  service('no containers', `${head}spec:\n  template:\n    spec:\n      containers: ¶[]\n`, 'GP-DATA-07', '1 to 10 containers, not 0', 'command:'),
  service('a tab', 'apiVersion: serving.knative.dev/v1\n¶\tkind: Service\n', 'GP-DATA-01', 'a tab character', 'indent with spaces'),
  service('a quote left open', `${head}spec: "x\n¶`, 'GP-DATA-01', 'unexpected end of stream', 'a quote or bracket'),
  service('a key twice', `${head}¶kind: Service\n`, 'GP-DATA-02', "'kind' appears twice", 'keep one of the two'),
  service('a bomb of aliases', `a: &a [${'x, '.repeat(99)}x]\nb: &b [${'*a, '.repeat(99)}*a]\nc: [${'*b, '.repeat(99)}*b]\n`, 'GP-DATA-03', 'aliases expanded', null, { place: 'service.yaml:3:77' }),
  service('not text', Buffer.from([0, 1, 2]), 'GP-DATA-01', 'control characters', 'save the file as UTF-8', { place: 'service.yaml:1:1' }),
  service('two services of one name', `${box('name: a')}---\n${box('name: a').replace('name: orders', 'name: ¶orders')}`, 'GP-DATA-02', 'another service of this name', 'a name of its own'),
  service('a misspelt key', box('¶comand: [a]'), 'GP-DATA-06', 'comand: there is no such setting', "did you mean 'command'?"),
  service('an unknown limit', box('resources: {limits: {¶disk: 1Gi}}'), 'GP-DATA-06', 'limits.disk', 'remove it'),
  service('two ports', box('ports: ¶[{containerPort: 8080}, {containerPort: 8081}]'), 'GP-DATA-07', 'exactly one port', 'keep the one that takes the calls'),
  service('two containers with a port', `${box('ports: [{containerPort: 1}]')}        - command: [x]\n          name: b\n          ports: ¶[{containerPort: 2}]\n`.replace('ports: [{containerPort: 1}]', 'name: a\n          ports: [{containerPort: 1}]'), 'GP-DATA-07', 'only one container may have a port', 'keep the one that takes the calls'),
  service('a port out of range', box('ports: [{containerPort: ¶80800}]'), 'GP-DATA-07', 'from 1 to 65535', 'remove the line'),
  service('a port by name', box('ports: [{containerPort: ¶http}]'), 'GP-DATA-04', 'must be a number, not a string', 'a number, without quotes'),
  service('an unknown protocol', box('ports: [{containerPort: 8080, name: ¶http9}]'), 'GP-DATA-07', 'must be http1 or h2c', 'leave the name out'),
  service('envFrom', box('¶envFrom: []'), 'GP-UP-01', "isn't supported", 'list the variables under env'),
  service('a value of a config map', box('env: [{name: A, valueFrom: {¶configMapKeyRef: {name: x, key: y}}}]'), 'GP-UP-01', "isn't supported", 'secretKeyRef'),
  service('a variable without a name', box('env: [¶{value: a}]'), 'GP-DATA-05', 'name: is missing', "add 'name'"),
  service('a value that is no text', box('env: [{name: A, value: ¶true}]'), 'GP-DATA-04', 'must be a string, not a boolean', 'in quotes'),
  service('two values of a variable', box('env: [¶{name: A, value: a, valueFrom: {secretKeyRef: {name: x, key: "1"}}}]'), 'GP-DATA-07', 'both value and valueFrom', 'keep one of the two'),
  service('the variable PORT', box('env: [{name: ¶PORT, value: "1"}]'), 'GP-UP-01', 'Cloud Run sets PORT itself', 'another name'),
  service('a secret without a value', box('env: [¶{name: A, valueFrom: {secretKeyRef: {name: x, key: latest}}}]'), 'GP-UP-03', "no version 'latest'", 'printf %s VALUE >', { state: true }),
  service('memory in megabytes', box('resources: {limits: {memory: ¶512MB}}'), 'GP-DATA-07', 'a size from 32Mi to 32Gi', '512Mi'),
  service('too many CPUs', box('resources: {limits: {cpu: ¶"64"}}'), 'GP-DATA-07', 'from 0.08 to 8', '"500m"'),
  service('a probe that runs a program', box('livenessProbe: {¶exec: {command: ["true"]}}'), 'GP-UP-01', "isn't supported", 'use httpGet'),
  service('a probe of two kinds', box('livenessProbe: ¶{httpGet: {path: /}, tcpSocket: {port: 1}}'), 'GP-DATA-07', 'exactly one of httpGet', 'tcpSocket: {port: 8080}'),
  service('a probe longer than its period', box('startupProbe: ¶{tcpSocket: {port: 8080}, periodSeconds: 2, timeoutSeconds: 5}'), 'GP-DATA-07', 'is more than periodSeconds', 'raise periodSeconds'),
  service('hooks', box('¶lifecycle: {}'), 'GP-UP-01', "isn't supported", 'SIGTERM'),
  service('a security context', box('¶securityContext: {runAsUser: 1}'), 'GP-UP-01', "isn't supported", 'remove it'),
  service('a config map as a volume', pod('volumes: [{name: x, ¶configMap: {name: y}}]'), 'GP-UP-01', "isn't supported", 'use a secret'),
  service('too many calls at once', pod('containerConcurrency: ¶2000'), 'GP-DATA-07', 'from 0 to 1000', 'remove the line'),
  service('a time-out with a unit', pod('timeoutSeconds: ¶5m'), 'GP-DATA-04', 'must be a number, not a string', 'a number, without quotes'),
  service('a time-out that is too long', pod('timeoutSeconds: ¶4000'), 'GP-DATA-07', 'from 1 to 3600', 'remove the line'),
  service('an account that is no address', pod('serviceAccountName: ¶runtime'), 'GP-DATA-07', 'the e-mail address of a service account', 'iam.gserviceaccount.com'),
  service('a misspelt annotation', onTemplate('¶autoscaling.knative.dev/maxSacle: "3"'), 'GP-DATA-06', 'knows no such annotation', "did you mean 'autoscaling.knative.dev/maxScale'?"),
  service('an annotation that is a number', onTemplate('autoscaling.knative.dev/maxScale: ¶3'), 'GP-DATA-04', 'must be a string, not a number', 'in quotes'),
  service('an annotation in the wrong place', onTemplate('¶run.googleapis.com/ingress: all'), 'GP-UP-01', "doesn't belong here", 'metadata.annotations, beside the name'),
  service('an unknown ingress', onService('run.googleapis.com/ingress: ¶public'), 'GP-DATA-07', 'must be one of all, internal', 'for example all'),
  service('audiences that are no list', onService("run.googleapis.com/custom-audiences: ¶'https://a'"), 'GP-DATA-07', 'a JSON list of texts', "write '["),
  service('a switch that says yes', onService("run.googleapis.com/invoker-iam-disabled: ¶'yes'"), 'GP-DATA-07', 'must be "true" or "false"', 'write "true"'),
  service('traffic that makes 90', traffic('¶[{latestRevision: true, percent: 50}, {revisionName: orders-00001-abc, percent: 40}]'), 'GP-DATA-07', 'the percents make 90', 'latestRevision: true, percent: 100'),
  service('traffic to a configuration', traffic('[{¶configurationName: x, percent: 100}]'), 'GP-UP-01', "isn't supported", 'use revisionName or latestRevision'),
  service('an image alone', `${head}spec:\n  template:\n    spec:\n      containers:\n        - ¶image: gcr.io/x/y\n`, 'GP-UP-02', "the image can't be run here", 'command: ["python3", "app.py"]'),
  { name: 'no service at all', args: ['up'], code: 'GP-UP-07', says: 'no service to bring up', hint: 'name a service.yaml' },
];

// ---- policies ---------------------------------------------------------------------------------------

const policy = (name, text, code, says, hint) => ({
  name, files: { 'p.json': text }, args: ['policy', 'lint', 'p.json'], code, says, hint,
});
const binding = (text) => `{"bindings": [\n  ¶{${text}}]}`;
const members = (text) => `{"bindings": [\n  {"role": "roles/run.invoker", "members": ${text}}]}`;

const policies = [
  policy('an empty file', '¶', 'GP-POL-01', 'must be an object, not null', 'in braces'),
  policy('cut off', '{"bindings": [\n¶', 'GP-DATA-01', 'found the end of the text', 'the text is cut off'),
  policy('a list', '¶[]', 'GP-POL-01', 'must be an object, not an array', 'in braces'),
  policy('bindings are an object', '{"bindings": ¶{}}', 'GP-POL-01', 'bindings: must be an array', 'in brackets'),
  policy('a misspelt key', '{¶"bindigns": []}', 'GP-POL-01', "no setting 'bindigns'", "did you mean 'bindings'?"),
  policy('an unknown key', '{¶"owner": 1}', 'GP-POL-01', "no setting 'owner'", 'known here: bindings, etag'),
  policy('an unknown version', '{"version": ¶9, "bindings": []}', 'GP-POL-01', 'must be 1 or 3', 'write 1'),
  policy('no role', binding('"members": ["allUsers"]'), 'GP-POL-01', 'bindings[0].role: is missing', "add 'role'"),
  policy('no members', binding('"role": "roles/run.invoker"'), 'GP-POL-01', 'bindings[0].members: is missing', "add 'members'"),
  policy('member instead of members', '{"bindings": [{"role": "roles/run.invoker", ¶"member": []}]}', 'GP-POL-01', "no setting 'member'", "did you mean 'members'?"),
  policy('members are a text', members('¶"allUsers"'), 'GP-POL-01', 'members: must be an array', 'in brackets'),
  policy('a member is a number', members('[¶5]'), 'GP-POL-01', 'must be a string, not a number', 'in quotes'),
  policy('a member without its kind', members('[¶"alice@example.com"]'), 'GP-IAM-01', "isn't a member", 'write user:alice@example.com'),
  policy('a member in lower case', members('[¶"serviceaccount:a@b.example"]'), 'GP-IAM-01', "isn't a member", 'serviceAccount:'),
  policy('a user without a domain', members('[¶"user:alice"]'), 'GP-IAM-01', "isn't a member", 'one e-mail address'),
  policy('a domain with an @', members('[¶"domain:@example.com"]'), 'GP-IAM-01', "isn't a member", 'write domain:example.com'),
  policy('a condition without a title', '{"bindings": [{"role": "roles/run.invoker", "members": [], "condition": ¶{"expression": "true"}}]}', 'GP-POL-01', 'title: is missing', "add 'title'"),
  policy('a condition that breaks off', '{"bindings": [{"role": "roles/run.invoker", "members": [], "condition": {"title": "t", "expression": ¶"size(1"}}]}', 'GP-CEL-01', "at 1:7 of \"t\": the expression ends", 'brackets and quotes'),
  policy('a condition with a misspelt attribute', '{"bindings": [{"role": "roles/run.invoker", "members": [], "condition": {"title": "t", "expression": ¶"request.pth == 1"}}]}', 'GP-CEL-02', "at 1:1 of \"t\": there is no variable 'request.pth'", "did you mean 'request.path'?"),
  policy('a condition for everybody', '{"bindings": [{"role": "roles/run.invoker", "members": ["allUsers"], "condition": ¶{"title": "t", "expression": "true"}}]}', 'GP-POL-02', 'nothing is granted to everybody under a condition', 'name the callers'),
];

// ---- key files --------------------------------------------------------------------------------------

const keyFile = (name, text, says, hint, more = {}) => ({
  name, files: { 'k.json': text }, args: ['token', '--audience', 'https://orders-k2v7xw4mqa-uc.a.run.app'],
  env: { GOOGLE_APPLICATION_CREDENTIALS: 'k.json' }, code: 'GP-CRED-02', says, hint, ...more,
});
const account = '"type": "service_account",\n  "client_email": "a@my-project.iam.gserviceaccount.com"';

const keys = [
  keyFile('an empty file', '¶', 'found the end of the text', 'the file is empty'),
  keyFile('cut off', '{"type": "service_account"¶', 'found the end of the text', 'the text is cut off'),
  keyFile('a list', '¶[]', 'must be an object, not an array', 'in braces'),
  keyFile('the bare PEM', `-¶${pem.slice(1)}`, 'a number has digits', 'the JSON file'),
  keyFile('no type', '¶{"project_id": "my-project"}', 'type: is missing', "add 'type'"),
  keyFile('a misspelt type', '{"type": ¶"service-account"}', "'service-account' isn't a type", 'service_account, authorized_user'),
  keyFile('half of workload identity federation', '¶{"type": "external_account", "audience": "//iam"}', 'subject_token_type: is missing', "add 'subject_token_type'"),
  keyFile('an OAuth client', '¶{"installed": {"client_id": "x", "client_secret": "client-secret-1"}}', 'type: is missing', "add 'type'"),
  keyFile('no key', `¶{${account}}`, 'private_key: is missing', "add 'private_key'"),
  keyFile('no account', `¶{"type": "service_account", "private_key": ${pemText}}`, 'client_email: is missing', "add 'client_email'"),
  keyFile('a key that is a number', `{${account},\n  "private_key": ¶5}`, 'must be a string, not a number', 'in quotes'),
  keyFile('a key that is no PEM', `{${account},\n  "private_key": ¶"not-a-pem-but-secret"}`, 'holds no PEM key', 'gcloud iam service-accounts keys create'),
  keyFile('a key that is cut off', `{${account},\n  "private_key": ¶${JSON.stringify(pem.slice(0, 300))}}`, "can't be read", 'gcloud iam service-accounts keys create'),
  keyFile('a token endpoint that is not Google\'s', `{${account},\n  "token_uri": ¶"https://evil.example/token",\n  "private_key": ${pemText}}`, "token_uri: 'https://evil.example/token' isn't an address of Google's", 'a source that you trust'),
  keyFile('a user without a refresh token', '¶{"type": "authorized_user", "client_id": "x", "client_secret": "client-secret-1"}', 'refresh_token: is missing', "add 'refresh_token'"),
  keyFile('a user without a client', '¶{"type": "authorized_user", "client_id": "x", "refresh_token": "refresh-me-1"}', 'client_secret: is missing', "add 'client_secret'"),
  keyFile('impersonation of nobody', '¶{"type": "impersonated_service_account"}', 'source_credentials: is missing', "add 'source_credentials'"),
  { ...keyFile('no such file', '', 'No such file', 'gatepost whoami'), files: {}, env: { GOOGLE_APPLICATION_CREDENTIALS: 'nope.json' } },
  { ...keyFile('a folder', '', 'is a directory', 'name the file in it'), files: {}, env: { GOOGLE_APPLICATION_CREDENTIALS: '.' } },
];

// ---- gatepost.yaml and config.yaml --------------------------------------------------------------------

const project = (name, text, code, says, hint, more = {}) => ({
  name, files: { 'c.json': good, 'gatepost.yaml': text }, args: ['run', 'c.json'], code, says, hint, ...more,
});
const id = 'project: {id: my-project}\n';

const projects = [
  project('an empty file', '¶', 'GP-DATA-05', "'project' is missing", 'project: {id: my-project}'),
  project('a list', '¶- a\n', 'GP-DATA-04', 'must be an object, not an array', 'in braces'),
  project('two documents', `${id}---\n¶${id}`, 'GP-DATA-01', 'a second document', "'---'"),
  project('a misspelt key', `${id}¶acounts: []\n`, 'GP-DATA-06', "no setting 'acounts'", "did you mean 'accounts'?"),
  project('a misspelt key within', 'project:\n  id: my-project\n  ¶regoin: us-central1\n', 'GP-DATA-06', "no setting 'regoin'", "did you mean 'region'?"),
  project('an unknown key', `${id}¶database: x\n`, 'GP-DATA-06', "no setting 'database'", 'known here: project, accounts'),
  project('a key twice', `${id}services: []\n¶services: []\n`, 'GP-DATA-02', "'services' appears twice", 'keep one of the two'),
  project('no id', 'project: ¶{region: us-central1}\n', 'GP-DATA-05', "'id' is missing", 'id: my-project'),
  project('an id in capitals', 'project: {id: ¶My_Project}\n', 'GP-DATA-07', "'My_Project' is not a project id", 'my-project'),
  project('a number that is too short', 'project: {id: my-project, number: ¶12}\n', 'GP-DATA-07', 'a project number', '123456789012'),
  project('a hash of digits', 'project: {id: my-project, hash: ¶"123456"}\n', 'GP-DATA-07', 'a project hash', 'k2v7xw4mqa'),
  project('a region that is a country', 'project: {id: my-project, region: ¶Europe}\n', 'GP-DATA-07', 'a region such as', 'europe-west1'),
  project('accounts are an object', `${id}accounts: ¶{a: 1}\n`, 'GP-DATA-04', 'accounts: must be an array', 'in brackets'),
  project('an account without an address', `${id}accounts:\n  - ¶roles: [roles/run.invoker]\n`, 'GP-DATA-05', "'email' is missing", 'iam.gserviceaccount.com'),
  project('an account that is a name', `${id}accounts:\n  - email: ¶tester\n`, 'GP-DATA-07', 'is not an e-mail address', 'iam.gserviceaccount.com'),
  project('an account twice', `${id}accounts:\n  - email: a@x.example\n  - email: ¶a@x.example\n`, 'GP-HOME-07', 'there twice', 'keep one entry'),
  project('a role without its prefix', `${id}accounts:\n  - email: a@x.example\n    roles: [¶run.invoker]\n`, 'GP-DATA-07', 'is not a role', 'roles/run.invoker'),
  project('a caller that is no account', `${id}accounts:\n  - email: a@x.example\nrun_as: ¶b@x.example\n`, 'GP-HOME-07', 'no such account', "did you mean 'a@x.example'?"),
  project('a duration in words', `${id}token_lifetime: ¶5 minutes\n`, 'GP-DATA-07', 'is not a duration from 1s to 12h', '5m'),
  project('a lifetime that is too long', `${id}token_lifetime: ¶24h\n`, 'GP-DATA-07', 'from 1s to 12h', '1h'),
  project('clocks too far apart', `${id}clock_skew: ¶5m\n`, 'GP-DATA-07', 'from 0 to 60s', '60s'),
  project('a rule without a request', `${id}rules:\n  - ¶{identity: none}\n`, 'GP-DATA-05', "'request' is missing", 'add it'),
  project('an identity that says yes', `${id}identities: {x: ¶yes}\n`, 'GP-DATA-07', "is not 'none' or an object", 'none'),
  project('an identity of two kinds', `${id}identities: {x: ¶{account: a@x.example, key: k.json}}\n`, 'GP-HOME-07', 'exactly one of', '{account:'),
  project('a group that is a word', `${id}groups: {¶admins: []}\n`, 'GP-DATA-07', "not a group's e-mail address", 'team@example.com'),
  project('a policy of a wrong name', `${id}policies: {¶Orders: {}}\n`, 'GP-DATA-07', 'not the name of a service', 'orders'),
  project('a tab', 'project:\n¶\tid: my-project\n', 'GP-DATA-01', 'cannot start any token', 'indent with spaces'),
  project('a bracket left open', 'project: {id: my-project\n¶', 'GP-DATA-01', "',' or '}'", 'a quote or bracket'),
  project('a colon in a text', 'project: id¶: x\n', 'GP-DATA-01', 'mapping values are not allowed', 'in quotes'),
  project('a tag of a language', 'project: ¶!!python/object {id: my-project}\n', 'GP-DATA-01', 'has no meaning here', 'remove it'),
  project('a merge key', `${id}¶<<: {a: 1}\n`, 'GP-DATA-01', 'merge keys', 'write the members out'),
  project('an alias of nothing', `${id}run: ¶*x\n`, 'GP-DATA-01', "no anchor '&x'", 'in quotes'),
  project('a file beside a project that is not there', `${id}services: [service.yaml]\n`, 'GP-DATA-08', "can't read 'nosuch.yaml'", '', { args: ['up', 'nosuch.yaml', '.'] }),
  project('a service that is not there', `${id}services: [¶service.yaml]\n`, 'GP-DATA-08', 'service.yaml', "seen from the project file's folder", { args: ['up'] }),
  project('a key outside of the project', `${id}accounts: [{email: a@x.example, key: ¶../k.json}]\n`, 'GP-HOME-08', "leads out of the project's folder", 'gatepost trust file', { args: ['up'] }),
  project('an option of up that is none', `${id}up: {¶prot: 1}\n`, 'GP-DATA-06', "no setting 'prot'", "did you mean 'port'?", { args: ['up'] }),
  project('an option of up out of range', `${id}up: {port: ¶99999}\n`, 'GP-DATA-07', 'is outside 0', 'from 0 to 65000', { args: ['up'] }),
  project('an option of run that is none', `${id}run: {¶reporter: cli}\n`, 'GP-DATA-06', "no setting 'reporter'", "did you mean 'reporters'?"),
  project('an option of run that only a person gives', `${id}run: {¶trust: [a.example]}\n`, 'GP-DATA-06', "no setting 'trust'", 'known here: identity, data_types, ignore_redirects'),
  project('an option of run out of range', `${id}run: {iteration_count: ¶0}\n`, 'GP-DATA-07', 'is outside 1', 'a whole number from 1'),
  project('an option of connect that is none', `${id}connect: {¶prot: 1}\n`, 'GP-DATA-06', "no setting 'prot'", "did you mean 'port'?", { args: ['connect', 'https://a.example'] }),
  { name: 'an option of run in config.yaml that is none', files: { 'c.json': good, 'config/gatepost/config.yaml': 'run:\n  ¶baill: failure\n' }, args: ['run', 'c.json'], code: 'GP-DATA-06', says: "no setting 'baill'", hint: "did you mean 'bail'?" },
  { name: 'an option of up in config.yaml that is none', files: { 'gatepost.yaml': id, 'config/gatepost/config.yaml': 'up: {¶prot: 1}\n' }, args: ['up'], code: 'GP-DATA-06', says: "no setting 'prot'", hint: "did you mean 'port'?" },
  { name: 'a project file that is not there', files: { 'c.json': good }, args: ['run', 'c.json', '--project-file', 'nope.yaml'], code: 'GP-HOME-07', says: "can't read 'nope.yaml'", hint: 'gatepost init' },
  { name: 'a misspelt key of config.yaml', files: { 'c.json': good, 'config/gatepost/config.yaml': '¶truts: []\n' }, args: ['run', 'c.json'], code: 'GP-DATA-06', says: "no setting 'truts'", hint: "did you mean 'trust'?" },
];

// ---- tokens -------------------------------------------------------------------------------------------

const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
const issuer = 'https://accounts.google.com';
const token = (name, text, code, says, hint, more = {}) => ({
  name, input: text, args: ['token', 'verify', '--issuer', issuer], code, says, hint, report: /^the token is refused\n/, ...more,
});
const jwt = (header, claims, signature = 'c2lnbmF0dXJl') => `${part(header)}.${part(claims)}.${signature}`;
const later = 9999999999;

const tokens = [
  token('one word', 'hello', 'GP-JWT-01', 'three parts', 'gatepost token --audience'),
  token('two parts', `${part({ alg: 'RS256' })}.${part({})}`, 'GP-JWT-01', 'three parts', 'gatepost token --audience'),
  token('an access token', 'ya29.abcdef', 'GP-JWT-01', 'three parts', 'this is an access token'),
  token('not base64url', 'a!.b.c', 'GP-JWT-01', "isn't canonical base64url", 'gatepost token --audience'),
  token('a header that is no JSON', `${Buffer.from('nope').toString('base64url')}.${part({})}.c2ln`, 'GP-JWT-02', "isn't strict JSON", 'gatepost token --audience'),
  token('without a signature', jwt({ alg: 'none' }, { iss: issuer, exp: later }, ''), 'GP-JWT-01', 'no signature', 'gatepost token --audience'),
  token('of another issuer', jwt({ alg: 'RS256', kid: 'k' }, { iss: 'https://other.example', aud: 'x', sub: '1', exp: later }), 'GP-JWT-08', 'https://other.example', '--issuer'),
  token('larger than any token', 'a'.repeat(100_000), 'GP-DATA-03', 'larger than', 'one token', { report: null }),
  token('an issuer that is no URL', 'a.b.c', 'GP-OIDC-03', "isn't a URL", 'an https URL', { args: ['token', 'verify', '--issuer', 'accounts.google.com'], report: null }),
  token('an issuer in clear', 'a.b.c', 'GP-OIDC-03', "isn't https", 'an https URL', { args: ['token', 'verify', '--issuer', 'http://a.example'], report: null }),
  token('nobody to ask', 'a.b.c', 'GP-OPT-03', 'whose token', '--issuer URL', { args: ['token', 'verify'], report: null }),
  token('no local issuer', 'a.b.c', 'GP-HOME-04', "no 'gatepost up'", 'gatepost up FOLDER', { args: ['token', 'verify', '--local'], report: null }),
];

// ---- the command line -----------------------------------------------------------------------------------

const line = (name, args, code, says, hint) => ({ name, files: { 'c.json': good }, args, code, says, hint });
const running = (...more) => ['run', 'c.json', ...more];

const commandLine = [
  line('a misspelt command', ['rnu'], 'GP-OPT-04', "no command 'rnu'", 'gatepost run'),
  line('half a command', ['trust'], 'GP-OPT-04', "no command 'trust'", 'trust add'),
  line('a misspelt option', running('--iteration-cout', '2'), 'GP-OPT-01', "'--iteration-cout'", "did you mean '--iteration-count'?"),
  line('an option that is nothing like any', running('--xyzzy'), 'GP-OPT-01', "'--xyzzy'", 'gatepost run --help'),
  line('an option without its value', running('-n'), 'GP-OPT-02', 'needs a value', '--iteration-count N'),
  line('a count that is a word', running('-n', 'two'), 'GP-OPT-02', 'is not a whole number', 'from 1 to 1000000000'),
  line('a count of none', running('-n', '0'), 'GP-OPT-02', 'is outside 1', 'from 1 to 1000000000'),
  line('a negative time', running('--timeout', '-1'), 'GP-OPT-02', "'-1'", 'from 0 to 864000000'),
  line('a reporter of another name', running('-r', 'jsn'), 'GP-OPT-02', 'is not one of cli|progress|html|markdown|json|junit|github|emojitrain', "did you mean 'json'?"),
  line('a colour', running('--color', 'blue'), 'GP-OPT-02', 'is not one of auto|on|off', '--color auto'),
  line('a flag with a value', running('--local=x'), 'GP-OPT-02', 'neither true nor false', '--no-local'),
  line('no collection', ['run'], 'GP-OPT-03', 'an argument is missing', 'gatepost run [OPTIONS] COLLECTION'),
  line('two collections, one that isn\'t there', ['run', 'c.json', 'd.json'], 'GP-DATA-08', "can't read 'd.json'", 'check the name'),
  line('a folder that is not in it', running('--folder', 'Nope'), 'GP-RUN-01', "'Nope'", 'neither folders nor requests'),
  { ...line('a folder of another name', running('--folder', 'Nope'), 'GP-RUN-01', "'Nope'", "there are 'F', 'first'"),
    files: { 'c.json': '{"info": {"name": "c"}, "item": [{"name": "F", "item": [{"name": "first", "request": "http://a.example"}]}]}' } },
  { ...line('a folder that is misspelt', running('--folder', 'fisrt'), 'GP-RUN-01', "'fisrt'", "did you mean 'first'?"),
    files: { 'c.json': '{"info": {"name": "c"}, "item": [{"name": "first", "request": "http://a.example"}]}' } },
  line('doctor of a closed port', ['doctor', 'http://127.0.0.1:1/'], 'GP-FET-03', '127.0.0.1 port 1', 'nothing listens there'),
  line('a working folder that is not there', running('--working-dir', 'nope'), 'GP-PM-05', "'nope' can't be opened", 'name a folder'),
  line('a key without its certificate', running('--ssl-client-key', 'k.pem'), 'GP-OPT-03', 'without its certificate', '--ssl-client-cert FILE'),
  line('a duration without a unit', ['up', '--scale-window', 'soon'], 'GP-OPT-02', 'is not a duration', '90s'),
  line('a port out of range', ['up', '--port', '99999'], 'GP-OPT-02', 'is outside 0', 'from 0 to 65000'),
  line('trust in plain http', running('--trust', 'http://example.com'), 'GP-TRUST-03', 'a readable network', 'use https'),
  line('trust in a path', ['trust', 'add', 'https://h.example/x'], 'GP-TRUST-03', 'scheme, host and port alone', 'write https://h.example'),
  line('trust in a word', ['trust', 'add', 'a b'], 'GP-TRUST-03', "'a b'", 'gcloud projects describe'),
  line('a service in clear', ['init', 'new', '--service', 'http://foo.example/a'], 'GP-TRUST-03', 'a readable network', 'use https'),
  { ...line('an empty token', ['doctor', '--token', 'token.txt', 'https://h.example'], 'GP-DATA-01', 'there is no token', 'gatepost token --audience'), files: { 'token.txt': '¶' } },
  { ...line('a token in two lines', ['doctor', '--token', 'token.txt'], 'GP-DATA-01', 'the byte 0x0d', 'one token, and nothing else'), files: { 'token.txt': '\nBearer abc¶\r\ndef' } },
  line('connect: plain http', ['connect', 'http://foo.example'], 'GP-TRUST-01', "isn't trusted with an identity", 'call it by https'),
  line('trust that never was', ['trust', 'remove', 'https://h.example'], 'GP-HOME-04', "isn't in the trust store", 'gatepost trust list'),
  line('a token for nothing', ['token'], 'GP-OPT-03', 'needs a purpose', 'gatepost token --audience'),
  line('a token for two things', ['token', '--audience', 'https://a', '--scope', 'b'], 'GP-OPT-03', 'give one', 'gatepost token --audience'),
  line('a time that is a word', ['audit', 'query', '--since', 'yesterday'], 'GP-OPT-02', 'neither a time nor a duration', '10m'),
  line('local without an up', running('--local'), 'GP-HOME-04', "no 'gatepost up'", 'gatepost up FOLDER'),
  line('a project id in capitals', ['init', 'new', '--project', 'X Y'], 'GP-OPT-02', "'X Y' is not a project id", 'my-project'),
  line('a region that is a moon', ['init', 'new', '--region', 'Moon'], 'GP-OPT-02', "'Moon' is not a region", 'europe-west1'),
  line('doctor: no URL', ['doctor', 'nope'], 'GP-URI-01', "'nope' is no URL", 'the whole address'),
  line('doctor: a blank in a URL', ['doctor', 'https://h h/'], 'GP-URI-01', 'percent-encoded', '%20'),
  line('doctor: a port out of range', ['doctor', 'https://h.example:99999/'], 'GP-URI-02', "'99999' is no port", 'from 1 to 65535'),
  line('doctor: another scheme', ['doctor', 'ftp://h.example/'], 'GP-FET-01', 'neither http nor https', 'https://'),
  line('connect: no such service', ['connect', 'nosuch'], 'GP-HOME-04', "'nosuch' isn't a URL", 'https://'),
  line('init: no URL', ['init', '--service', 'orders'], 'GP-URI-01', "'orders' is no URL", 'the whole address'),
];

export default {
  collections, 'environments, data and cookies': values, 'service.yaml': services, policies,
  'key files': keys, 'gatepost.yaml and config.yaml': projects, tokens, 'the command line': commandLine,
};
