// SPDX-License-Identifier: Apache-2.0
// What every end-to-end test needs: run gatepost to its end, start it and stop it by its process
// id, a home of its own, servers on free loopback ports. A test never sees the user's own gatepost
// or Google state: the environment holds only what is named here.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync } from 'node:fs';
import { mkdtemp, rename, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('..', import.meta.url));
export const bin = process.env.GATEPOST_BIN ?? join(root, 'build/gatepost');

/** Where deps/install puts what comes from Debian 13. */
export const deps = process.env.GATEPOST_DEPS ?? join(root, 'build/deps');

// How long a test waits for what must come. Only a hang takes so long, however busy the machine is.
export const PATIENCE_MS = 300_000;

// Where tools/run-tests wants all output and files of the suite, to search them for tokens.
const trace = process.env.GATEPOST_TEST_TRACE;

/** A folder of the test's own, removed after it. */
export async function tempDir(t) {
  const dir = await mkdtemp(join(trace ?? tmpdir(), 'gatepost-test-'));
  t.after(() => trace ? rename(dir, join(trace, `files-${basename(dir)}`)) : rm(dir, { recursive: true, force: true }));
  return dir;
}

/** Says that this token was minted: it may be found nowhere. */
export function minted(token) {
  if (trace) appendFileSync(join(trace, 'tokens'), `${token.trim()}\n`);
}

/** Says that a test writes this token into files of its own: there, and in reports of them, it may be. */
export function handed(token) {
  if (trace) appendFileSync(join(trace, 'handed'), `${token.trim()}\n`);
  return token;
}

function keep(program, [verb, object], { stdout, stderr }) {
  if (!trace) return;
  // The one command that prints a token on purpose.
  const printed = program === bin && verb === 'token' && object !== 'verify' && object !== '--help';
  if (printed && stdout) minted(stdout);
  appendFileSync(join(trace, `output-${process.pid}`), `# ${basename(program)} ${verb}\n${printed ? '' : stdout}${stderr}\n`);
}

/** The environment of a gatepost whose state, config and runtime folders are under `home`. */
export function envOf(home, more = {}) {
  return {
    PATH: process.env.PATH,
    HOME: home,
    XDG_CONFIG_HOME: join(home, 'config'),
    XDG_STATE_HOME: join(home, 'state'),
    XDG_RUNTIME_DIR: home,
    LANG: 'C.UTF-8',
    ASAN_OPTIONS: process.env.ASAN_OPTIONS ?? '',
    ...more,
  };
}

/**
 * A session's text with what differs from run to run written as: HOME (folders of the test), PORT,
 * TRACE (32 hex digits), SIZE, TIME, DATE and N.
 */
export function plain(text, home) {
  return text.replaceAll(home, 'HOME')
    .replace(/127\.0\.0\.1([: ])(port )?\d+/g, '127.0.0.1$1$2PORT')
    .replace(/\b[0-9a-f]{32}\b/g, 'TRACE')
    .replace(/, [\d.]+k?B, [\d.]+(ms|µs|s)\]/g, ', SIZE, TIME]')
    .replace(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, 'DATE')
    .replace(/…\(\d+\)/g, '…(N)')
    .replace(/\b-?\d+ (s|ms|min)\b/g, 'N $1');
}

function collect(child) {
  const out = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr']) {
    child[name].setEncoding('utf8').on('data', (text) => { out[name] += text; });
  }
  return out;
}

/**
 * Runs a program to its end: { code, signal, stdout, stderr }. `input` goes to its stdin. A client of
 * others that prints the token it got says `kept: false`.
 */
export async function run(args, { env, cwd, input = '', program = bin, timeoutMs = PATIENCE_MS, kept = true } = {}) {
  const child = spawn(program, args, { env, cwd, timeout: timeoutMs, killSignal: 'SIGKILL' });
  const out = collect(child);
  child.stdin.on('error', () => {}); // it may end without reading
  child.stdin.end(input);
  const [code, signal] = await once(child, 'close');
  if (kept) keep(program, args, out);
  return { code, signal, ...out };
}

/**
 * Starts a program that stays, and resolves once its output (both streams) matches `ready`; the
 * test's end stops it with SIGTERM and fails when it doesn't go within ten seconds.
 */
export async function start(t, args, { env, cwd, ready, program = bin, timeoutMs = PATIENCE_MS } = {}) {
  const child = spawn(program, args, { env, cwd, stdio: ['ignore', 'pipe', 'pipe'] });
  const out = collect(child);
  const closed = once(child, 'close').then(([code, signal]) => {
    keep(program, args, out);
    return { code, signal, ...out };
  });
  const stop = async () => {
    let forced = false;
    child.kill('SIGTERM');
    const timer = setTimeout(() => { forced = child.kill('SIGKILL'); }, PATIENCE_MS);
    const end = await closed;
    clearTimeout(timer);
    if (forced) throw new Error(`${args[0]} did not stop\n${out.stderr}`);
    return end;
  };
  t.after(stop);
  const deadline = Date.now() + timeoutMs;
  while (!ready.test(out.stdout + out.stderr)) {
    if (child.exitCode !== null) throw new Error(`${args[0]} ended early\n${out.stdout}${out.stderr}`);
    if (Date.now() > deadline) throw new Error(`${args[0]} is not ready\n${out.stdout}${out.stderr}`);
    await new Promise((go) => setTimeout(go, 20));
  }
  return { pid: child.pid, out, stop, closed };
}

/** `gatepost up`, once it serves: what start() gives, and the addresses that it printed. */
export async function startUp(t, args, options) {
  const running = await start(t, ['up', '--format', 'json', ...args], { ...options, ready: /^\}$/m });
  return { ...running, addresses: JSON.parse(running.out.stdout) };
}

/** An HTTP server on a free loopback port for the length of the test; resolves to its base URL. */
export async function serve(t, handler) {
  const server = createServer(handler);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => { server.close(); server.closeAllConnections(); });
  return `http://127.0.0.1:${server.address().port}`;
}
