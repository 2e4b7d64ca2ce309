// SPDX-License-Identifier: Apache-2.0
// A page in headless Chromium, and what axe-core finds wrong with it.
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { chromium } from 'playwright-core';
import { root } from './lib.mjs';

const PHONE = { width: 390, height: 844 };
const DESKTOP = { width: 1280, height: 900 };

/** A browser for the length of the test. */
export async function browse(t) {
  const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: ['--no-sandbox'] });
  t.after(() => browser.close());
  return browser;
}

/** Opens a file; what the page asked for besides and what the browser complained of stand in `asked` and `said`. */
export async function openFile(browser, path, { phone = false, dark = false } = {}) {
  const context = await browser.newContext({ viewport: phone ? PHONE : DESKTOP, colorScheme: dark ? 'dark' : 'light' });
  const page = await context.newPage();
  const asked = [];
  const said = [];
  page.on('request', (r) => asked.push(r.url()));
  page.on('console', (m) => said.push(m.text()));
  page.on('dialog', (d) => { said.push(`dialog: ${d.message()}`); d.dismiss(); });
  page.on('pageerror', (e) => said.push(String(e)));
  await page.goto(`file://${path}`);
  return { page, asked: asked.filter((url) => url !== `file://${path}`), said };
}

/** What axe-core finds that is serious or worse: [rule, where]. The page's own policy forbids all scripts, so axe looks at a copy of it. */
export async function faults(browser, path, options) {
  const html = (await readFile(path, 'utf8')).replace(/<meta http-equiv="Content-Security-Policy"[^>]*>/, '');
  await writeFile(`${path}.axe.html`, html);
  const { page } = await openFile(browser, `${path}.axe.html`, options);
  await page.evaluate(() => document.querySelectorAll('details').forEach((d) => { d.open = true; }));
  await page.addScriptTag({ content: await readFile(join(root, 'test/node_modules/axe-core/axe.min.js'), 'utf8') });
  const { violations } = await page.evaluate(() => globalThis.axe.run());
  return violations.filter((v) => ['serious', 'critical'].includes(v.impact)).map((v) => [v.id, v.nodes[0].html.slice(0, 200)]);
}
