// SPDX-License-Identifier: Apache-2.0
// The packages, installed and used in an empty Debian: nothing of the build's machine helps them.
import assert from 'node:assert/strict';
import { cp, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { test } from 'node:test';
import { root, run } from './lib.mjs';

const env = { ...process.env, LANG: 'C.UTF-8' };

/** Runs a program of the project, or fails with what it printed. */
async function must(program, args, options = {}) {
  const done = await run(args, { program, env, cwd: root, ...options });
  assert.equal(done.code, 0, `${program} ${args.join(' ')}\n${done.stdout}${done.stderr}`);
  return done.stdout.trim();
}

const COLLECTION = {
  info: { name: 'c', schema: 'https://schema.getpostman.com/json/collection/v2.1.0/collection.json' },
  item: [{
    name: 'r',
    event: [{ listen: 'test', script: { exec: ['pm.test("says hi", () => pm.expect(pm.response.text()).to.eql("hi"));'] } }],
    request: { method: 'GET', url: '{{baseUrl}}/hi' },
    response: [{ name: 'hi', code: 200, body: 'hi', originalRequest: { method: 'GET', url: '{{baseUrl}}/hi' } }],
  }],
};

// A script of one run against a mock: both programs, the libraries and the network are needed for it.
const USE = `set -eu
cd /root; export HOME=/root XDG_RUNTIME_DIR=/root
"$1" mock --format json c.json >mock.json 2>/dev/null & mock=$!
until grep -q '^}' mock.json; do kill -0 $mock; sleep 0.1; done
"$1" run c.json --env-var baseUrl="$(sed -n 's/.*"url": "\\(.*\\)",/\\1/p' mock.json)"
kill $mock; wait $mock`;

test('the tarball and the Debian package work in an empty Debian, and leave nothing behind', async (t) => {
  const [deb, tarball] = [await must('tools/package', ['build', 'deb']), await must('tools/package', ['build', 'tarball'])];
  const clean = await mkdtemp(join(tmpdir(), 'gatepost-clean-'));
  t.after(() => rm(clean, { recursive: true, force: true }));
  await must('tools/clean-root', [clean]);
  const inside = (script, ...args) => must('unshare', ['--mount', '--pid', '--fork', `--mount-proc=${clean}/proc`,
    'chroot', clean, 'sh', '-c', script, 'sh', ...args], { env: { PATH: env.PATH, LANG: 'C.UTF-8', DEBIAN_FRONTEND: 'noninteractive' } });
  for (const file of [deb, tarball]) await cp(file, join(clean, 'root', basename(file)));
  await writeFile(join(clean, 'root/c.json'), JSON.stringify(COLLECTION));

  await inside('mkdir -p /srv/anywhere && tar -xzf "/root/$1" -C /srv/anywhere --strip-components=1', basename(tarball));
  assert.match(await inside(USE, '/srv/anywhere/bin/gatepost'), /✓.*says hi/);

  const before = await inside('dpkg-query -L libc6 >/dev/null; find /usr /etc -name "*gatepost*"');
  await inside('apt-get -q update && apt-get -q install -y --no-install-recommends "/root/$1"', basename(deb));
  assert.match(await inside(USE, 'gatepost'), /✓.*says hi/);
  assert.match(await inside('bash -c ". /usr/share/bash-completion/completions/gatepost && complete -p gatepost"'), /gatepost/);
  assert.match(await inside('zcat /usr/share/man/man1/gatepost-run.1.gz'), /^\.TH/m);
  // What the units start is there.
  for (const unit of await readdir(join(clean, 'usr/lib/systemd/user'))) {
    const started = await inside('sed -n "s/^ExecStart=//p" "/usr/lib/systemd/user/$1"', unit);
    const [program, verb, object] = started.split(' ');
    if (!unit.endsWith('.timer')) await inside('"$@" --help', program, verb, ...(/^\w+$/.test(object ?? '') ? [object] : []));
  }
  await inside('cd / && md5sum --quiet -c /var/lib/dpkg/info/gatepost.md5sums');
  await inside('dpkg --purge gatepost');
  assert.equal(await inside('find /usr /etc -name "*gatepost*"'), before);
});
