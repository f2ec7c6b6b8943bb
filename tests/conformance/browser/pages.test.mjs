/**
 * The landing page and the reference of the REST APIs in a real browser that can reach nothing but the service.
 *
 * CLIENTELE_URL     the running service, such as http://127.0.0.1:8000
 * CLIENTELE_TOKEN   an access token that may read and write, which the reference shows
 * CLIENTELE_PYTHON  the interpreter that has the service installed (default: python3), for the page without its bundle
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { Explorer, launchBrowser, readStorages } from './explorer.mjs';

const SOURCE = fileURLToPath(new URL('../../../app/http/pages/reference/', import.meta.url));
const SERVICE = process.env.CLIENTELE_URL;
const TOKEN = process.env.CLIENTELE_TOKEN;
const CDN = 'https://cdn.jsdelivr.net/npm/';
/** The pages behind a proxy, where they do not show the token of the demo. */
const NO_TOKEN = { extraHTTPHeaders: { 'X-Forwarded-For': '203.0.113.9' } };
const SCREENS = { phone: { width: 390, height: 844 }, desktop: { width: 1440, height: 900 } };
const CUSTOMERS = 'customers/tag/customers/GET/customers';
const CLIENTS = 'v1/tag/clients/GET/v1/organizations/{id}/clients';

let browser;

before(async () => {
  assert.ok(TOKEN, 'CLIENTELE_TOKEN is needed');
  browser = await launchBrowser();
});

after(() => browser?.close());

/** Visits pages. Each visit must stay within the policies of its pages. */
async function visit(context, check, prepare = async () => {}) {
  const page = await (await browser.newContext({ viewport: SCREENS.desktop, ...context })).newPage();
  const explorer = new Explorer(page);
  await page.addInitScript(() => {
    window.violations = [];
    document.addEventListener('securitypolicyviolation', ({ violatedDirective, sample }) => window.violations.push([violatedDirective, sample]));
  });
  try {
    await prepare(page);
    await check(explorer, page);
    assert.deepEqual(await page.evaluate(() => window.violations), []);
  } finally {
    await page.context().close();
  }
}

/** Opens the reference at an operation, and then the form of its request. */
async function openRequest(page, operation) {
  await page.goto(`${SERVICE}/docs#${operation}`);
  await page.locator(`[id="${operation}"]`).getByRole('button', { name: /^Test Request/ }).click();
}

/** Sends the request. Gives the response. */
async function send(page, pattern) {
  const answered = page.waitForResponse((response) => pattern.test(response.url()));
  await page.getByRole('button', { name: /^Send/ }).first().click();
  return answered;
}

for (const [size, viewport] of Object.entries(SCREENS)) {
  for (const colorScheme of ['light', 'dark']) {
    test(`the landing page fits a ${size}, in ${colorScheme}, and its links lead somewhere`, () =>
      visit({ viewport, colorScheme }, async (explorer, page) => {
        await page.goto(`${SERVICE}/`);
        await page.getByRole('heading', { level: 1, name: /^Clientele \d/ }).waitFor();
        await isWithin(page, viewport);
        for (const link of await page.getByRole('link').all()) {
          const address = new URL(await link.getAttribute('href'), SERVICE);
          const response = await page.request.get(address.href, { headers: { Accept: 'text/html' } });
          assert.ok(response.ok(), response.url());
        }
        assert.ok(!(await page.content()).includes(TOKEN));
        assert.deepEqual([...explorer.hosts], [new URL(SERVICE).host]);
        assert.deepEqual(explorer.complaints, []);
        await explorer.picture(`landing-${size}-${colorScheme}`);
      }));
  }
}

async function isWithin(page, { width }) {
  assert.ok((await page.evaluate(() => document.documentElement.scrollWidth)) <= width);
}

for (const [size, colorScheme, api, title] of [['phone', 'dark', 'customers', /Customers API/], ['desktop', 'light', 'v1', /v1 Clients API/]]) {
  test(`a browser at /${api} is led to the reference, which fits a ${size}, is ${colorScheme}, and needs no other host`, () =>
    visit({ viewport: SCREENS[size], colorScheme }, async (explorer, page) => {
      await page.goto(`${SERVICE}/${api}`);
      await page.getByRole('heading', { level: 1, name: title }).waitFor();
      assert.ok(page.url().startsWith(`${SERVICE}/docs#${api}`), page.url());
      await isWithin(page, SCREENS[size]);
      assert.equal(await page.evaluate(() => document.body.classList.contains('dark-mode')), colorScheme === 'dark');
      assert.equal(await page.getByRole('note').count(), 0);
      assert.deepEqual([...explorer.hosts], [new URL(SERVICE).host]);
      assert.deepEqual(explorer.complaints, []);
      await explorer.picture(`reference-${size}-${colorScheme}`);
    }));
}

for (const [operation, pattern] of [[CUSTOMERS, /\/customers$/], [CLIENTS, /\/clients$/]]) {
  test(`the request of ${operation} works as it is, with the token of the demo`, () =>
    visit({}, async (explorer, page) => {
      await openRequest(page, operation);
      const response = await send(page, pattern);
      assert.equal(response.status(), 200, response.url());
      const body = await response.json();
      const [row] = body.data ?? body;
      await page.getByRole('dialog').getByText(row.name).first().waitFor();
      assert.ok(!(await readStorages(explorer)).includes(TOKEN.slice(10)));
      assert.deepEqual([...explorer.hosts], [new URL(SERVICE).host]);
      assert.deepEqual(explorer.complaints, []);
      await explorer.picture(`request-${operation.split('/')[0]}`);
    }));
}

test('without a token the page asks nothing of the APIs; a typed one works, and is gone after a reload', () =>
  visit({ ...NO_TOKEN, viewport: SCREENS.phone }, async (explorer, page) => {
    const asked = [];
    page.on('request', (request) => /\/(v1|customers|entities)\b(?!\.json)/.test(request.url()) && asked.push(request.url()));
    await openRequest(page, CUSTOMERS);
    assert.equal(await page.getByRole('link', { name: 'Where does a token come from?' }).count(), 1);
    await isWithin(page, SCREENS.phone);
    assert.ok(!(await page.content()).includes(TOKEN));
    assert.deepEqual(asked, []);
    const field = page.getByRole('dialog').getByRole('textbox', { name: /token/i }).first();
    await field.fill(TOKEN);
    assert.equal((await send(page, /\/customers$/)).status(), 200);
    assert.ok(!(await readStorages(explorer)).includes(TOKEN.slice(10)));
    await page.reload();
    await openRequest(page, CUSTOMERS);
    assert.equal(await field.inputValue(), '');
    await explorer.picture('request-without-token');
    assert.deepEqual(explorer.complaints, []);
  }));

/** The file that the CDN would serve, taken from the package itself. */
function packFile() {
  const [pinned] = JSON.parse(readFileSync(join(SOURCE, 'cdn.json'), 'utf8'));
  const folder = mkdtempSync(join(tmpdir(), 'reference-'));
  try {
    const pack = ['pack', `${pinned.package}@${pinned.version}`, '--json'];
    const [{ filename }] = JSON.parse(execFileSync('npm', pack, { cwd: folder, stdio: ['ignore', 'pipe', 'ignore'], maxBuffer: 1 << 28 }));
    return { ...pinned, body: execFileSync('tar', ['-xzOf', join(folder, filename), `package/${pinned.file}`], { maxBuffer: 1 << 28 }) };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The page as it is where no bundle was built, its CDN played by `file`. */
async function serveWithoutBundle(page, file) {
  const script =
    'import json, pathlib; from starlette.requests import Request; from app.config import Config; ' +
    'from app.http.pages.reference.page import reference_page as make; ' +
    'scope = {"type": "http", "method": "GET", "path": "/docs", "headers": []}; ' +
    'page = make(Request(scope), Config(), pathlib.Path("absent")); ' +
    'print(json.dumps({"body": page.body.decode(), "headers": dict(page.headers)}))';
  const python = process.env.CLIENTELE_PYTHON ?? 'python3';
  const made = JSON.parse(execFileSync(python, ['-c', script], { cwd: join(SOURCE, '../../../..') }));
  await page.route(`${SERVICE}/docs`, (route) => route.fulfill(made));
  await page.route(`${CDN}**`, (route) => route.fulfill({ body: file.body, contentType: 'text/javascript', headers: { 'Access-Control-Allow-Origin': '*' } }));
}

test('without its bundle the page says so, and runs from a pinned file of the package and from no other file', async () => {
  const file = packFile();
  assert.equal(file.integrity, `sha384-${createHash('sha384').update(file.body).digest('base64')}`);
  const other = { ...file, body: Buffer.concat([file.body, Buffer.from('\n')]) };
  for (const [served, outcome] of [[file, /^List customers$/], [other, /a file is missing or does not match its hash/]]) {
    const page = await (await browser.newContext()).newPage();
    const explorer = new Explorer(page);
    await serveWithoutBundle(page, served);
    await page.goto(`${SERVICE}/docs#${CUSTOMERS}`);
    assert.match(await page.getByRole('note').textContent(), /from a CDN/);
    await page.getByText(outcome).first().waitFor();
    if (served === file) assert.deepEqual(explorer.complaints, []);
    await page.context().close();
  }
});
