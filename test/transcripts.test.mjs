// SPDX-License-Identifier: Apache-2.0
// The ten commonest failures as a person meets them: test/transcripts/NAME.txt holds each session,
// from the failure with its cause, code and fix to the call that works after the fix. The sessions
// run here against a real `gatepost up` and must come out as written; UPDATE_TRANSCRIPTS=1 writes
// them anew.
// What differs from run to run is written as `plain` of lib.mjs does.
import assert from 'node:assert/strict';
import { chmod, cp, mkdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { bin, envOf, plain, root, run, serve, startUp, tempDir } from './lib.mjs';

const ORDERS = 'https://orders-k2v7xw4mqa-uc.a.run.app';

async function edit(path, from, to) {
  const text = await readFile(path, 'utf8');
  assert.ok(text.includes(from), from);
  await writeFile(path, text.replace(from, to));
}

/** A checkout of the example with a collection of one request, a shell in it, and its `up`. */
async function world(t, more = {}) {
  const home = await tempDir(t);
  const dir = join(home, 'orders');
  await cp(join(root, 'examples/orders'), dir, { recursive: true });
  await rm(join(dir, '.gatepost'), { recursive: true, force: true });
  await mkdir(join(home, 'bin'));
  await symlink(bin, join(home, 'bin/gatepost'));
  const env = envOf(home, { PATH: `${home}/bin:/usr/bin:/bin`, NO_GCE_CHECK: 'true', ...more });
  await edit(join(dir, 'gatepost.yaml'), 'token_lifetime: 5s', 'token_lifetime: 5m');
  const listOf = (url) => JSON.stringify({ info: { name: 'list' }, item: [{
    name: 'list the orders', request: `${url}/orders`,
    event: [{ listen: 'test', script: { exec: ["pm.test('the orders are listed', () => pm.response.to.have.status(200));"] } }],
  }] });
  await writeFile(join(dir, 'list.json'), listOf(ORDERS));
  const lines = [];
  const w = { home, dir, env, listOf };
  /** Runs a command as a person would, and expects how it ends and what it says. */
  w.$ = async (command, code, ...says) => {
    const done = await run(['-c', `set -o pipefail; ${command}`], { program: '/bin/bash', env, cwd: dir });
    const text = plain(`$ ${command}\n${done.stdout}${done.stderr}`, home);
    lines.push(text.endsWith('\n') ? text : `${text}\n`);
    assert.equal(done.code, code, text);
    for (const what of says) assert.ok(text.includes(what), `"${what}" is expected in\n${text}`);
    assert.doesNotMatch(done.stdout + done.stderr, /eyJ[\w-]{20}/, 'a token is shown');
  };
  /** `gatepost up`, as it is started in another terminal. */
  w.up = async () => {
    const up = await startUp(t, [], { env, cwd: dir });
    lines.push('(in another terminal) $ gatepost up\n');
    return up;
  };
  w.stop = async (up) => {
    await up.stop();
    lines.push('(in another terminal) ^C\n');
  };
  w.says = (text) => lines.push(`# ${text}\n`);
  w.text = () => `${lines.join('\n').trimEnd()}\n`;
  return w;
}

function transcript(name, session, more) {
  test(name, async (t) => {
    const w = await world(t, more);
    await session(w, t);
    const path = join(root, 'test/transcripts', `${name}.txt`);
    if (process.env.UPDATE_TRANSCRIPTS) await writeFile(path, w.text());
    assert.equal(w.text(), await readFile(path, 'utf8'));
  });
}

const RUN = 'gatepost run --reporter-cli-no-banner --reporter-cli-no-summary';

transcript('no-credential', async (w) => {
  await w.$(`${RUN} --trust k2v7xw4mqa list.json`, 1, '[GP-CRED-01]', 'gcloud auth application-default login', '--local');
  await w.$('gatepost whoami', 4, '[GP-CRED-01]');
  w.says('Nobody is signed in here, so the services of this machine it is.');
  await w.up();
  await w.$(`${RUN} --local list.json`, 0, '200 OK');
});

/** gcloud as it is where jane is signed in: it isn't to be had here. */
async function signedIn(w) {
  const now = Math.floor(Date.now() / 1000);
  const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const token = [{ alg: 'RS256', kid: 'k' }, { iss: 'https://accounts.google.com',
    aud: '32555940559.apps.googleusercontent.com', sub: '1', email: 'jane@example.com',
    email_verified: true, iat: now, exp: now + 3600 }].map(part).join('.');
  await writeFile(join(w.home, 'bin/gcloud'),
    `#!/bin/sh\ncase "$*" in *print-identity-token*) echo ${token}.c2lnbmF0dXJl;; *) exit 1;; esac\n`, { mode: 0o755 });
}

transcript('untrusted-origin', async (w) => {
  await signedIn(w);
  await w.$(`${RUN} --account jane@example.com list.json`, 1, '[GP-TRUST-01]', `gatepost trust add ${ORDERS}`);
  await w.$(`gatepost connect --account jane@example.com ${ORDERS}`, 1, '[GP-TRUST-01]', `gatepost trust add ${ORDERS}`);
  await w.$(`gatepost trust add ${ORDERS}`, 0, ORDERS);
  await w.$(`gatepost connect --idle 1s --account jane@example.com ${ORDERS}`, 0, 'jane@example.com');
});

transcript('stranger', async (w) => {
  const up = await w.up();
  await w.$(`${RUN} --local --identity stranger list.json`, 1, '403 Forbidden', 'no binding');
  await w.$(`gatepost doctor --local --identity stranger ${ORDERS}/orders`, 1, '[GP-IAM-04]', 'roles/run.invoker', 'gatepost up');
  await w.$("sed -i '/email: stranger/a\\    roles: [roles/run.invoker]' gatepost.yaml", 0);
  await w.stop(up);
  await w.up();
  await w.$(`gatepost doctor --local --identity stranger ${ORDERS}/orders`, 0, 'the call works');
});

transcript('wrong-audience', async (w) => {
  await w.up();
  await w.$(`${RUN} --local --audiences https://orders.example.net list.json`, 1, '401 Unauthorized', 'was made for');
  await w.$(`gatepost token --local --audience https://orders.example.net | gatepost doctor --local --token - ${ORDERS}/orders`, 1,
    '[GP-AUD-01]', `gatepost token --audience ${ORDERS}`);
  await w.$(`gatepost token --audience ${ORDERS} | gatepost doctor --local --token - ${ORDERS}/orders`, 0, 'the call works');
});

transcript('access-token', async (w) => {
  await w.up();
  await w.$(`gatepost token --local --scope https://www.googleapis.com/auth/cloud-platform | gatepost doctor --local --token - ${ORDERS}/orders`, 1,
    '[GP-AUTH-03]', 'gatepost lint --fix');
  w.says('Where it comes from: the well-known script of the collection.');
  await cp(join(root, 'examples/the-script/access-token.postman_collection.json'), join(w.dir, 'script.json'));
  await w.$('gatepost lint script.json', 1);
  await w.$('gatepost lint --fix script.json', 0);
  await w.$(`${RUN} --local script.json`, 0, '200 OK');
});

transcript('expired-key', async (w) => {
  const up = await w.up();
  const key = join(w.dir, '.gatepost/tester.json');
  const old = await readFile(key, 'utf8');
  await w.stop(up);
  // The account gets a new key; the old file comes back, from a backup perhaps.
  await rm(join(w.home, 'state/gatepost/google-gatepost-demo.db'));
  await rm(key);
  const again = await w.up();
  await writeFile(key, old.replace(up.addresses.token_url, again.addresses.token_url));
  await chmod(key, 0o600);
  await w.$(`${RUN} --local list.json`, 1, '[GP-CRED-04]', 'gatepost up');
  await w.stop(again);
  await w.$('rm .gatepost/tester.json', 0);
  await w.up();
  await w.$(`${RUN} --local list.json`, 0, '200 OK');
});

transcript('clock-skew', async (w, t) => {
  await w.up();
  // A service whose clock is ten minutes ahead of this machine's, and right.
  const url = await serve(t, (request, response) => {
    response.sendDate = false;
    response.writeHead(request.headers.authorization ? 401 : 403, {
      date: new Date(Date.now() + 600_000).toUTCString(),
      'www-authenticate': 'Bearer error="invalid_token" error_description="The access token could not be verified"',
    });
    response.end();
  });
  await w.$(`gatepost token --audience ${ORDERS} | gatepost doctor --token - --trust ${url} --audiences ${ORDERS} ${url}/orders`, 1,
    '[GP-JWT-09]', "this machine's clock is", 'timedatectl set-ntp true');
});

transcript('disabled-service', async (w) => {
  const service = join(w.dir, 'service.yaml');
  await edit(service, '  annotations:\n', '  annotations:\n    run.googleapis.com/default-url-disabled: "true"\n');
  const up = await w.up();
  await w.$(`${RUN} --local list.json`, 1, '404 Not Found');
  await w.$(`gatepost doctor --local ${ORDERS}/orders`, 1, '[GP-HTTP-04]', 'default-url-disabled', 'gatepost up');
  await w.$("sed -i '/default-url-disabled/d' service.yaml", 0);
  await w.stop(up);
  await w.up();
  await w.$(`gatepost doctor --local ${ORDERS}/orders`, 0, 'the call works');
});

transcript('unreachable', async (w) => {
  await writeFile(join(w.dir, 'there.json'), w.listOf('http://127.0.0.1:1'));
  await w.$(`${RUN} there.json`, 1, '[GP-FET-03]', 'gatepost up');
  await w.$('gatepost doctor http://127.0.0.1:1/orders', 5, '[GP-FET-03]', 'gatepost up');
  await w.$(`${RUN} --local list.json`, 3, '[GP-HOME-04]', 'gatepost up');
  await w.up();
  await w.$(`${RUN} --local list.json`, 0, '200 OK');
});

transcript('user-token', async (w, t) => {
  await signedIn(w);
  const url = await serve(t, (request, response) => response.end(request.headers.authorization ? '[]' : ''));
  await writeFile(join(w.dir, 'there.json'), w.listOf(url));
  await w.$(`${RUN} --account jane@example.com --trust k2v7xw4mqa list.json`, 1, '[GP-TRUST-02]', `--trust ${ORDERS}`);
  await w.$(`${RUN} --account jane@example.com --trust ${url} there.json`, 0, '200 OK',
    "this is a user's token", '--impersonate-service-account');
});
