// SPDX-License-Identifier: Apache-2.0
// The gauntlet, threats 38, 39, 40 and 44: who gets a token. Look-alikes of a trusted service,
// project files that grant themselves things, forged address files, and channels that others read.
import assert from 'node:assert/strict';
import { chmod, chown, mkdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:https';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { DOMAIN, echo, gauntlet, header, item, ORDERS } from './gauntlet.mjs';
import { envOf, run, tempDir } from './lib.mjs';

const g = await gauntlet({ after });
// Every host but the loopback addresses is the attacker's server.
const hijacked = { http_proxy: g.attacker.url, https_proxy: g.attacker.url, no_proxy: '127.0.0.1' };

// ---- 38 -----------------------------------------------------------------------------------------

const UNTRUSTED = 'GP-TRUST-01';
const lookAlikes = [
  // url, what it comes to: an error, or where it goes without identity
  [`${ORDERS}.attacker.example/`, 'orders-k2v7xw4mqa-uc.a.run.app.attacker.example:443'],
  [`${ORDERS}@attacker.example/`, 'attacker.example:443'],
  [`${ORDERS}%2eattacker.example/`, 'orders-k2v7xw4mqa-uc.a.run.app.attacker.example:443'],
  [`https://attacker.example/?${ORDERS}`, 'attacker.example:443'],
  [`https://attacker.example/#${ORDERS}`, 'attacker.example:443'],
  ['http://attacker.example/', 'http://attacker.example/'],
  [`${ORDERS}:8443/`, UNTRUSTED],
  [`${ORDERS}.run.app/`, UNTRUSTED],
  ['https://attacker-zzzzzzzzzz-uc.a.run.app/', UNTRUSTED],
  ['https://attacker-k2v7xw4mqa-zzzzzzzzzz-uc.a.run.app/', UNTRUSTED],
  ['https://k2v7xw4mqa---attacker-zzzzzzzzzz-uc.a.run.app/', UNTRUSTED],
  ['https://attacker-123456789012-999999999999.us-central1.run.app/', UNTRUSTED],
  [`https://${'a'.repeat(49)}-k2v7xw4mqa-uc.a.run.app/`, UNTRUSTED], // cut: whose it is was lost
  ['//orders-k2v7xw4mqa-uc.a.run.app/', 'GP-PM-04'],
  [`https:${ORDERS.slice(8)}/`, 'GP-PM-04'],
];

async function tryLookAlikes(options) {
  g.attacker.seen.length = 0;
  const r = await g.attack(lookAlikes.map(([url]) => item(url, url)), { env: hijacked, ...options });
  assert.equal(r.code, 1);
  for (const [url, outcome] of lookAlikes) {
    if (/^GP-/.test(outcome)) {
      assert.equal(r.error(url).id, outcome, url);
      assert.ok(r.error(url).hint || outcome === 'GP-PM-04', url);
    } else {
      assert.ok(g.attacker.seen.some((s) => s.split('\n')[0].endsWith(` ${outcome}`)), url);
    }
  }
  assert.doesNotMatch(g.attacker.seen.join('\n'), /authorization/i);
}

test('T38_look_alikes_of_a_local_service_get_no_token', () => tryLookAlikes({}));

test('T38_look_alikes_of_a_trusted_project_get_no_token', () =>
  tryLookAlikes({ cloud: true, args: ['--trust', '123456789012', '--trust', 'k2v7xw4mqa'] }));

test('T38_an_origin_that_a_script_or_an_answer_builds_is_not_covered_by_its_project', async () => {
  const other = 'https://other-k2v7xw4mqa-uc.a.run.app';
  const r = await g.attack([
    item('script', '{{built}}/', { pre: `pm.variables.set('built', '${other}')` }),
    item('redirect', `${g.attacker.url}/to/302/${encodeURIComponent(other)}`),
    item('sendRequest', `${g.attacker.url}/`, { test: `pm.sendRequest('${other}', (e) => console.log('sent', e.message))` }),
  ], { env: hijacked, cloud: true, args: ['--trust', 'k2v7xw4mqa'] });
  for (const name of ['script', 'redirect']) {
    assert.equal(r.error(name).id, UNTRUSTED);
    assert.match(r.error(name).message, /was built by a script or a response; the trust in project k2v7xw4mqa/);
  }
  assert.match(r.stdout, /'sent', '.* was built by a script or a response/);
});

test('T38_a_users_replayable_token_needs_trust_in_the_exact_origin', async () => {
  const tools = join(g.home, 'tools');
  await mkdir(tools);
  await writeFile(join(tools, 'gcloud'), `#!/bin/sh\ntouch ${g.home}/asked\n`, { mode: 0o755 });
  const r = await g.attack([item('evil', 'https://evil-k2v7xw4mqa-uc.a.run.app/')], {
    args: ['--trust', 'k2v7xw4mqa'], env: { PATH: `${tools}:${process.env.PATH}`, CLOUDSDK_CORE_ACCOUNT: 'jane@example.com' } });
  assert.equal(r.error('evil').id, 'GP-TRUST-02');
  assert.match(r.error('evil').hint, /--impersonate-service-account.*--trust https:\/\/evil-/);
  await assert.rejects(readFile(join(g.home, 'asked')), { code: 'ENOENT' }, 'gcloud was asked for a token');
});

test('T38_no_other_command_gives_an_attacker_a_token', async () => {
  const evil = 'https://evil-zzzzzzzzzz-uc.a.run.app';
  const commands = [
    // what is run, how it ends, what it says
    [['doctor', g.attacker.url], /./],
    [['doctor', `${g.attacker.url}/to/302/${encodeURIComponent(`${g.attacker.url}/plain`)}`], /./],
    [['doctor', 'http://evil-zzzzzzzzzz-uc.a.run.app/'], /./],
    [['connect', evil], /isn't trusted.*\[GP-TRUST-01\]\n {2}hint: /s],
    [['connect', g.attacker.url], /\[GP-TRUST-0\d\]/],
    [['connect', `${ORDERS}.attacker.example`], /\[GP-TRUST-0\d\]/],
    [['run', `${g.attacker.url}/plain`], /\[GP-/],
    [['whoami'], /metadata server/],
  ];
  for (const [args, says] of commands) {
    g.attacker.seen.length = 0;
    const r = await run(args, { env: { ...g.env, ...g.cloud, ...hijacked }, cwd: g.home });
    const what = args.join(' ');
    assert.equal(r.signal, null, what);
    assert.match(r.stdout + r.stderr, says, what);
    assert.doesNotMatch(g.attacker.seen.join('\n'), /authorization/i, what);
    assert.equal(g.tokens.in(r.stdout + r.stderr), undefined, what);
  }
});

// ---- 39 -----------------------------------------------------------------------------------------

const project = 'project: {id: gatepost-demo}\n';

test('T39_a_project_file_cannot_trust_an_attacker', async () => {
  const evil = 'https://evil-zzzzzzzzzz-uc.a.run.app';
  const r = await g.attack([item('evil', `${evil}/`), item('echo', `${g.attacker.url}/plain`)], {
    files: { 'gatepost.yaml': `${project}trust: ["${evil}", "${g.attacker.url}", zzzzzzzzzz]\n` } });
  assert.equal(r.error('evil').id, UNTRUSTED);
  assert.equal(r.of('echo').response.code, 200);
  assert.match(r.stderr, /gatepost\.yaml: its 'trust' is not heeded until 'gatepost trust file'/);
});

test('T39_a_project_file_cannot_make_somebody_else_call', async () => {
  const r = await g.attack([item('boss', `${ORDERS}/orders`), item('ceo', `${ORDERS}/orders`)], {
    files: { 'gatepost.yaml': `${project}identities: {boss: {impersonate: boss@${DOMAIN}}, ceo: {account: ceo@example.com}}
rules: [{request: boss, identity: boss}, {request: ceo, identity: ceo}]\n` } });
  assert.match(r.stderr, /the identity 'boss' is not heeded: .*gatepost trust file/);
  assert.match(r.stderr, /the identity 'ceo' is not heeded/);
  for (const name of ['boss', 'ceo']) // nobody calls in their place
    assert.equal(r.error(name).id, 'GP-CRED-05');
});

test('T39_a_project_file_cannot_choose_among_the_accounts_of_gcloud', async () => {
  const tools = join(g.home, 'tools39');
  await mkdir(tools);
  await writeFile(join(tools, 'gcloud'), `#!/bin/sh\ntouch ${g.home}/asked39\n`, { mode: 0o755 });
  const r = await g.attack([item('other', `${g.trusted.url}/plain`)], { cloud: true, env: { PATH: `${tools}:${process.env.PATH}` },
    files: { 'gatepost.yaml': `${project}identities: {s: {account: stranger@${DOMAIN}}}\nrules: [{request: other, identity: s}]\n` } });
  assert.equal(r.error('other').id, 'GP-CRED-05');
  assert.match(r.error('other').message, /'s' is one of a project file that isn't trusted/);
  await assert.rejects(readFile(join(g.home, 'asked39')), { code: 'ENOENT' }, 'gcloud was asked for a token');
});

test('T39_a_rule_that_names_nobody_stops_the_run', async () => {
  const r = await g.attack([item('one', `${ORDERS}/orders`)], {
    files: { 'gatepost.yaml': `${project}rules:\n  - {request: one, identity: strnager}\n` }, goesOn: false, minted: false });
  assert.match(r.stderr, /gatepost\.yaml:3:30: rules\[0\]\.identity: there is no identity 'strnager' \[GP-CRED-05\]\n {2}hint: define it/);
});

// What a checkout would like to name. Each is refused before anything runs, with its place.
const greedyProjects = [
  ['a credential file', 'identities: {a: {key: stolen.json}}\n', /gatepost\.yaml:2:\d+: .*names a credential file.*\[GP-HOME-08\]\n {2}hint: /],
  ['an audience of another', `identities: {a: {account: tester@${DOMAIN}, audience: "https://victim.example"}}\n`,
    /gatepost\.yaml:2:\d+: .*'audience'.*\[GP-DATA-06\]/],
  ['a token endpoint', 'token_url: http://attacker.example/\n', /gatepost\.yaml:2:\d+: .*'token_url'.*\[GP-DATA-06\]/],
  ['an executable', 'identities: {a: {command: [curl, attacker.example]}}\n', /gatepost\.yaml:2:\d+: .*'command'.*\[GP-DATA-06\]/],
  ['a key outside of it', `accounts: [{email: a@${DOMAIN}, key: ../../.ssh/authorized_keys}]\n`,
    /gatepost\.yaml:2:\d+: .*leads out of the project's folder.*\[GP-HOME-08\]/],
  ['an absolute key', `accounts: [{email: a@${DOMAIN}, key: /tmp/gatepost-stolen}]\n`, /\[GP-HOME-08\]/],
  ['a key behind a link', `accounts: [{email: a@${DOMAIN}, key: link/k.json}]\n`, /\[GP-HOME-08\]/],
  ['a policy outside of it', 'policies: {orders: ../../../etc/passwd}\n', /\[GP-HOME-08\]/],
  ['a service outside of it', 'services: [/etc/passwd]\n', /\[GP-HOME-08\]/],
];

for (const [what, text, says] of greedyProjects) {
  test(`T39_a_project_file_cannot_name_${what.replaceAll(' ', '_')}`, async (t) => {
    const dir = await tempDir(t);
    await symlink(g.home, join(dir, 'link'));
    await writeFile(join(dir, 'gatepost.yaml'), project + text);
    await writeFile(join(dir, 'c.json'), JSON.stringify({ info: { name: 'c' }, item: [item('x', `${g.attacker.url}/greedy`)] }));
    g.attacker.seen.length = 0;
    const ran = await run(['run', 'c.json'], { env: g.env, cwd: dir });
    assert.match(ran.stderr, says);
    assert.notEqual(ran.code, 0);
    assert.deepEqual([ran.stdout, g.attacker.seen], ['', []]);
    const brought = await run(['up', '.'], { env: envOf(await tempDir(t)), cwd: dir });
    assert.match(brought.stderr, says);
    assert.notEqual(brought.code, 0);
    assert.doesNotMatch(brought.stderr, /root:/);
  });
}

test('T39_a_credential_file_beside_the_collection_is_not_used', async () => {
  const key = JSON.parse(await readFile(join(g.home, `tester@${DOMAIN}.json`), 'utf8'));
  const r = await g.attack([item('evil', `${g.trusted.url}/`)], {
    files: { 'key.json': JSON.stringify({ ...key, token_uri: 'https://oauth2.googleapis.com/token' }) },
    args: ['--trust', g.trusted.url], env: { GOOGLE_APPLICATION_CREDENTIALS: 'key.json' } });
  assert.equal(r.error('evil').id, 'GP-CRED-02');
  assert.match(r.error('evil').message, /key\.json lies inside the collection's own directory/);
});

// ---- 40 -----------------------------------------------------------------------------------------

const forgedFiles = [
  ['others may read it', (file) => chmod(file, 0o644), /is open to other users \[GP-HOME-06\]/],
  ['it is a link', async (file) => { await rename(file, `${file}.real`); await symlink(`${file}.real`, file); },
    /\[GP-HOME-06\]/],
  ['it is a folder', async (file) => { await rm(file); await mkdir(file); }, /\[GP-HOME-06\]/],
  ['its folder is open', (file) => chmod(join(file, '..'), 0o777), /\[GP-HOME-0[16]\]/],
  ['it is cut', (file) => writeFile(file, '{"pid":'), /up\.json.*\[GP-HOME-06\]/],
  ['it is huge', (file) => writeFile(file, ' '.repeat(2 << 20)), /\[GP-HOME-06\]/],
  ['another machine', change({ token_url: 'http://192.0.2.1/token' }), /token_url.*\[GP-HOME-06\]/],
  ['a name of loopback', change({ token_url: 'http://localhost:1/token' }), /token_url.*\[GP-HOME-06\]/],
  ['an address as user', change({ token_url: 'http://127.0.0.1:80@attacker.example/' }), /token_url.*\[GP-HOME-06\]/],
  ['an https endpoint', change({ iam_url: 'https://127.0.0.1:1' }), /iam_url.*\[GP-HOME-06\]/],
  ['an escape in a service', change({ services: [{ name: 'a', url: 'http://127.0.0.1:1', run_app_urls: ['https://x\u001b[2J'] }] }),
    /\[GP-HOME-06\]/],
  ['a process that is gone', change({ pid: 4194305 }), /no 'gatepost up' of yours is running/],
  ['a process id used again', change({ started: 1 }), /no 'gatepost up' of yours is running/],
];
if (process.getuid() === 0) {
  forgedFiles.push(['another owner', (file) => chown(file, 65534, 65534), /\[GP-HOME-06\]/]);
}

function change(members) {
  return async (file) =>
    writeFile(file, JSON.stringify({ ...JSON.parse(await readFile(file, 'utf8')), ...members }));
}

for (const [what, forge, says] of forgedFiles) {
  test(`T40_a_forged_address_file_is_not_believed_${what.replaceAll(' ', '_')}`, async (t) => {
    const home = await tempDir(t);
    const impostor = await echo(t);
    const stat = await readFile(`/proc/${process.pid}/stat`, 'utf8');
    const started = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]);
    const file = join(home, 'gatepost/up.json');
    const at = (path) => `${impostor.url}${path}`;
    await mkdir(join(home, 'gatepost'), { mode: 0o700 });
    await writeFile(file, JSON.stringify({ ...g.up, pid: process.pid, started, token_url: at('/token'),
      iam_url: at(''), metadata: at(''), jwks: at('/jwks'), certs: at('/certs'), admin: at(''),
      services: [{ name: 'orders', url: at(''), run_app_urls: [ORDERS], policy: '' }] }), { mode: 0o600 });
    await forge(file);
    await writeFile(join(home, 'c.json'), JSON.stringify({ info: { name: 'c' }, item: [item('x', `${ORDERS}/orders`)] }));
    const r = await run(['run', '--local', 'c.json'], { env: envOf(home), cwd: home });
    assert.match(r.stderr, says);
    assert.match(r.stderr, /\n {2}hint: /);
    assert.ok([3, 6].includes(r.code), `exit status ${r.code}`);
    assert.deepEqual([r.stdout, impostor.seen], ['', []]);
  });
}

test('T40_no_assertion_is_signed_for_an_address_that_only_a_key_file_names', async () => {
  const key = JSON.parse(await readFile(join(g.home, `tester@${DOMAIN}.json`), 'utf8'));
  const file = join(g.home, 'keys.json');
  for (const uri of [`${g.attacker.url}/token`, 'https://oauth2.googleapis.com.attacker.example/token',
    'https://oauth2.googleapis.com@attacker.example/token', 'http://oauth2.googleapis.com/token']) {
    await writeFile(file, JSON.stringify({ ...key, token_uri: uri }), { mode: 0o600 });
    g.attacker.seen.length = 0;
    const r = await g.attack([item('x', `${g.trusted.url}/`)], {
      args: ['--trust', g.trusted.url], env: { ...hijacked, GOOGLE_APPLICATION_CREDENTIALS: file } });
    assert.equal(r.error('x').id, 'GP-CRED-02', uri);
    assert.match(r.error('x').message, /token_uri: '.*' isn't an address of Google's$/m);
    assert.deepEqual(g.attacker.seen, []);
  }
});

test('T40_a_local_token_goes_to_no_origin_of_the_cloud_and_the_reverse', async () => {
  const mixed = { env: { GCE_METADATA_HOST: new URL(g.up.metadata).host } };
  const toCloud = await g.attack([item('x', `${g.trusted.url}/`)], { args: ['--trust', g.trusted.url], ...mixed });
  assert.equal(toCloud.error('x').id, 'GP-CRED-06');
  assert.match(toCloud.error('x').hint, /--local/);
});

// ---- 44 -----------------------------------------------------------------------------------------

async function unverified(t) {
  const files = ['key', 'cert'].map((name) => join(g.home, `tls-${name}.pem`));
  const made = await run(['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', files[0], '-out', files[1],
    '-subj', '/CN=localhost', '-days', '2', '-addext', 'subjectAltName=IP:127.0.0.1'],
  { program: '/usr/bin/openssl', env: process.env });
  assert.equal(made.code, 0, made.stderr);
  const [key, cert] = await Promise.all(files.map((file) => readFile(file)));
  const server = await echo(t, (handler) => createServer({ key, cert }, handler));
  return { ...server, url: `https://127.0.0.1:${server.port}`, cert: files[1] };
}

test('T44_without_verified_tls_there_is_no_identity', async (t) => {
  const server = await unverified(t);
  const lax = { ...item('lax', `${server.url}/plain`), protocolProfileBehavior: { strictSSL: false } };
  const trusted = { cloud: true, args: ['--trust', server.url] };
  const refused = await g.attack([item('strict', `${server.url}/plain`), lax], trusted);
  assert.equal(refused.error('strict').id, 'GP-FET-05');
  assert.equal(refused.of('lax').response.code, 200);
  const insecure = await g.attack([item('k', `${server.url}/plain`)], { ...trusted, args: [...trusted.args, '-k'] });
  assert.equal(insecure.of('k').response.code, 200);
  for (const r of [refused, insecure]) assert.match(r.stdout, /no identity: TLS is not verified/);
  assert.doesNotMatch(server.seen.join('\n'), /authorization/i);
  const good = await g.attack([item('ok', `${server.url}/plain`)],
    { ...trusted, args: [...trusted.args, '--ssl-extra-ca-certs', server.cert] });
  assert.equal(good.of('ok').response.code, 200);
  assert.match(server.seen.join('\n'), /authorization/i); // the identity comes where TLS is verified
});

test('T44_plain_http_carries_no_identity_off_loopback', async () => {
  g.attacker.seen.length = 0;
  const r = await g.attack([item('plain', 'http://orders-k2v7xw4mqa-uc.a.run.app/orders')],
    { env: hijacked, cloud: true, args: ['--trust', ORDERS, '--trust', 'k2v7xw4mqa'] });
  assert.match(r.stdout, /no identity: plain http/);
  assert.equal(g.attacker.seen.length, 1);
  assert.doesNotMatch(g.attacker.seen[0], /authorization/i);
  const trusting = await run(['run', '--trust', 'http://orders.example', join(r.dir, 'c.json')], { env: g.env });
  assert.deepEqual([trusting.code, trusting.stdout], [2, '']);
  assert.match(trusting.stderr, /would get tokens over a readable network \[GP-TRUST-03\]\n {2}hint: use https/);
});

test('T44_a_host_header_that_names_another_service_gets_no_identity', async () => {
  const r = await g.attack([
    item('fronted', { url: `${g.trusted.url}/plain`, header: header({ Host: 'evil-zzzzzzzzzz-uc.a.run.app' }) }),
    item('twice', { url: `${g.trusted.url}/plain`, header: [...header({ Host: 'evil.example' }), ...header({ Host: new URL(g.trusted.url).host })] }),
  ], { cloud: true });
  assert.match(r.stdout, /no identity: its Host header names another host/);
  assert.match(r.error('twice').message, /two Host headers/);
});
