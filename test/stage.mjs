// SPDX-License-Identifier: Apache-2.0
// A stage for tests of the tables: the example's project without its short lifetimes, brought up by
// `gatepost up` together with an echo service that writes down what really reached it, and tokens
// as clients get and damage them.
import assert from 'node:assert/strict';
import { cp, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { importPKCS8, SignJWT } from 'jose';
import { envOf, handed, minted, root, run, startUp, tempDir } from './lib.mjs';

export const DOMAIN = 'gatepost-demo.iam.gserviceaccount.com';
export const TESTER = `tester@${DOMAIN}`;
export const STRANGER = `stranger@${DOMAIN}`;
export const PERSON = 'jane@example.com';
export const ECHO = 'https://echo-k2v7xw4mqa-uc.a.run.app';

// Answers with the status that the path asks for, and appends what it got to seen.jsonl.
const ECHO_PY = `
import http.server, json, os
class Echo(http.server.BaseHTTPRequestHandler):
  protocol_version = 'HTTP/1.1'
  def do_GET(self):
    with open('seen.jsonl', 'a') as seen:
      seen.write(json.dumps({'path': self.path, 'headers': [[k.lower(), v] for k, v in self.headers.items()]}) + '\\n')
    last = self.path.split('/')[-1]
    self.send_response(int(last) if last.isdigit() else 200)
    self.send_header('Content-Length', '2')
    self.end_headers()
    self.wfile.write(b'ok')
  def log_message(self, *a): pass
http.server.ThreadingHTTPServer(('127.0.0.1', int(os.environ['PORT'])), Echo).serve_forever()
`;

const service = (name, annotations) => JSON.stringify({
  apiVersion: 'serving.knative.dev/v1',
  kind: 'Service',
  metadata: { name, annotations },
  spec: { template: { spec: { containers: [{ command: ['python3', 'echo.py'] }] } } },
});

async function checkout(dir, { project = {}, services = {} } = {}) {
  await cp(join(root, 'examples/orders'), dir, { recursive: true });
  await writeFile(join(dir, 'echo.py'), ECHO_PY);
  const all = { echo: {}, ...services };
  for (const [name, annotations] of Object.entries(all)) {
    await writeFile(join(dir, `${name}.json`), service(name, annotations));
  }
  await writeFile(join(dir, 'gatepost.yaml'), JSON.stringify({
    project: { id: 'gatepost-demo', number: 123456789012, hash: 'k2v7xw4mqa', region: 'us-central1' },
    accounts: [
      { email: TESTER, roles: ['roles/run.invoker', 'roles/iam.serviceAccountTokenCreator'], key: '.gatepost/tester.json' },
      { email: STRANGER, key: '.gatepost/stranger.json' },
      { email: PERSON, roles: ['roles/run.invoker'], key: '.gatepost/jane.json' },
      { email: `orders-runtime@${DOMAIN}` },
    ],
    run_as: TESTER,
    clock_skew: 0,
    services: ['service.yaml', ...Object.keys(all).map((name) => `${name}.json`)],
    ...project,
  }));
}

/** Brings the stage up; what runs in `dir` finds the project file there. */
export async function stageUp(t, what) {
  const home = await tempDir(t);
  const dir = join(home, 'orders');
  const env = envOf(home);
  await checkout(dir, what);
  const running = await startUp(t, [dir], { env });
  const { addresses } = running;
  const gatepost = (args, options = {}) => run(args, { cwd: dir, ...options, env: { ...env, ...options.env } });
  const seen = async () => {
    const text = await readFile(join(dir, 'seen.jsonl'), 'utf8').catch(() => '');
    return text.split('\n').filter(Boolean).map((line) => JSON.parse(line));
  };
  const url = (name) => addresses.services.find((s) => s.name === name).url;
  return { ...running, home, dir, env, addresses, gatepost, seen, url,
    key: async (name) => JSON.parse(await readFile(join(dir, `.gatepost/${name}.json`), 'utf8')) };
}

/** A token for an account's key file by the JWT bearer grant; `claims` makes it an ID or access one. */
export async function grant(gp, name, claims) {
  const key = await gp.key(name);
  const assertion = await new SignJWT(claims)
    .setProtectedHeader({ alg: 'RS256', kid: key.private_key_id })
    .setIssuer(key.client_email).setAudience(gp.addresses.token_url).setIssuedAt().setExpirationTime('1h')
    .sign(await importPKCS8(key.private_key, 'RS256'));
  const answer = await fetch(gp.addresses.token_url, { method: 'POST',
    body: new URLSearchParams({ grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer', assertion }) });
  const body = await answer.json();
  assert.equal(answer.status, 200, JSON.stringify(body));
  minted(body.id_token ?? body.access_token);
  return handed(body.id_token ?? body.access_token);
}

export const idToken = (gp, name, audience) => grant(gp, name, { target_audience: audience });
export const accessToken = (gp, name) => grant(gp, name, { scope: 'https://www.googleapis.com/auth/cloud-platform' });

/** The same token with one character of its signature changed, so that it still decodes. */
export function tampered(token) {
  const at = token.lastIndexOf('.') + 8;
  return handed(token.slice(0, at) + (token[at] === 'A' ? 'B' : 'A') + token.slice(at + 1));
}

/** The same token with other claims under the old signature. */
export function reclaimed(token, claims) {
  const [head, body, signature] = token.split('.');
  const old = JSON.parse(Buffer.from(body, 'base64url'));
  return handed(`${head}.${Buffer.from(JSON.stringify({ ...old, ...claims })).toString('base64url')}.${signature}`);
}

export const claimsOf = (token) => JSON.parse(Buffer.from(token.split('.')[1], 'base64url'));
