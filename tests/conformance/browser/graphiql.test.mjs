/**
 * GraphiQL in a real browser that can reach nothing but the service.
 *
 * CLIENTELE_URL     the running service, such as http://127.0.0.1:8000
 * CLIENTELE_TOKEN   an access token that may read and write
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

const SOURCE = fileURLToPath(new URL('../../../app/graphql/server/graphiql/', import.meta.url));
const URL_OF_PAGE = `${process.env.CLIENTELE_URL}/graphql`;
const TOKEN = process.env.CLIENTELE_TOKEN;
const CDN = 'https://cdn.jsdelivr.net/npm/';
const QUERY = 'query Typed { clients(first: 3) { totalCount nodes { name } } }';
const CREATE = 'mutation { createClient(input: { name: "Seen by a subscription" }) { client { id } } }';
/** The page behind a proxy, where it does not show the token of the demo. */
const NO_TOKEN = { extraHTTPHeaders: { 'X-Forwarded-For': '203.0.113.9' } };
const EXAMPLES = readExamples();
const TAB_NAMES = EXAMPLES.map(({ name }) => name);

let browser;
let folder;

before(async () => {
  assert.ok(TOKEN, 'CLIENTELE_TOKEN is needed');
  folder = mkdtempSync(join(tmpdir(), 'graphiql-'));
  browser = await launchBrowser();
});

after(async () => {
  await browser?.close();
  rmSync(folder, { recursive: true, force: true });
});

function readExamples() {
  const listed = JSON.parse(readFileSync(join(SOURCE, 'examples.json'), 'utf8'));
  return listed.map(({ lines, variables }) => {
    const [, kind, name] = /^(\w+) (\w+)/m.exec(lines.join('\n'));
    return { kind, name, variables };
  });
}

async function visit(context, check, prepare = async () => {}) {
  const page = await (await browser.newContext({ viewport: { width: 1280, height: 800 }, ...context })).newPage();
  try {
    await prepare(page);
    await check(new Explorer(page));
  } finally {
    await page.context().close();
  }
}

async function askDirectly(query) {
  const response = await fetch(URL_OF_PAGE, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', Authorization: `Bearer ${TOKEN}` },
    body: JSON.stringify({ query }),
  });
  return response.json();
}

async function runTypedQuery(explorer) {
  await explorer.authorize(TOKEN);
  await explorer.typeQuery(QUERY);
  const { data } = await askDirectly(QUERY);
  assert.ok(data.clients.nodes.length > 0, 'the service has clients to show');
  assert.deepEqual((await explorer.run()).data, data);
  for (const { name } of data.clients.nodes) await explorer.sees('response', JSON.stringify(name));
}

test('the page opens with its named tabs and needs no other host', () =>
  visit({}, async (explorer) => {
    await explorer.open(URL_OF_PAGE);
    await explorer.authorize(TOKEN);
    assert.match(await explorer.page.title(), /Clientele/);
    assert.deepEqual(await explorer.tabs(), TAB_NAMES);
    assert.equal(await explorer.page.getByRole('note').count(), 0);
    assert.deepEqual([...explorer.hosts], [new URL(URL_OF_PAGE).host]);
    await explorer.picture('page');
  }));

test('a typed query runs and its rows are in the response pane', () =>
  visit({}, async (explorer) => {
    await explorer.open(URL_OF_PAGE);
    await runTypedQuery(explorer);
    assert.deepEqual(explorer.complaints.filter(isFault), []);
    await explorer.picture('rows');
  }));

/** A page without a token gets one 401 before the token is typed, and the browser logs it. */
function isFault(complaint) {
  return !complaint.includes('status of 401');
}

for (const { name, variables } of EXAMPLES.filter(({ kind }) => kind !== 'subscription')) {
  test(`the example tab ${name} runs without an error`, () =>
    visit({}, async (explorer) => {
      await explorer.open(URL_OF_PAGE);
      await explorer.showTab(name);
      await explorer.showTool('Variables');
      for (const key of Object.keys(variables)) await explorer.sees('variables', `"${key}": `);
      await explorer.authorize(TOKEN);
      const body = await explorer.run();
      assert.equal(body.errors, undefined, JSON.stringify(body.errors));
      await explorer.sees('response', '"data"');
      await explorer.picture(`tab-${name}`);
    }));
}

test('a page that is opened again keeps what was typed and has stored no token', () =>
  visit({}, async (explorer) => {
    await explorer.open(URL_OF_PAGE);
    await explorer.showTab(TAB_NAMES[1]);
    await explorer.typeQuery(QUERY);
    await explorer.page.waitForFunction(() => Object.values(localStorage).some((value) => value.includes('query Typed')));
    assert.ok(await explorer.page.evaluate((token) => !JSON.stringify(localStorage).includes(token), TOKEN));
    await explorer.open(URL_OF_PAGE);
    await runTypedQuery(explorer);
    assert.ok((await explorer.tabs()).includes('Typed'));
  }));

const SECRET = 'a password of nobody 5317';
const SECRETS = [
  `query Tokens($token: String = "${TOKEN}") { clients(first: 1, search: $token) { totalCount } }`,
  'query Variables($search: String) { clients(first: 1, search: $search) { totalCount } }',
  `mutation Password { changePassword(input: { oldPassword: "${SECRET}", newPassword: "${SECRET}" }) { userErrors { code } } }`,
];

test('no storage holds the token or a password after runs, and a page that is opened again asks for the token', () =>
  visit(NO_TOKEN, async (explorer) => {
    await explorer.open(URL_OF_PAGE);
    await explorer.page.evaluate((token) => {
      const headers = JSON.stringify({ Authorization: `Bearer ${token}` });
      localStorage.setItem('Clientele:graphiql:headers', headers);
      localStorage.setItem('Clientele:graphiql:queries', JSON.stringify({ queries: [{ query: '{ viewer { scopes } }', headers }] }));
    }, TOKEN);
    await explorer.open(URL_OF_PAGE);
    await runTypedQuery(explorer);
    for (const query of SECRETS) {
      await explorer.typeQuery(query);
      await explorer.type('variables', JSON.stringify({ search: TOKEN, input: { oldPassword: SECRET } }));
      await explorer.run();
    }
    await explorer.showTab(TAB_NAMES[1]);
    await explorer.run();
    const kept = await readStorages(explorer);
    assert.ok(kept.includes('query Variables'), 'drafts are stored');
    for (const secret of [TOKEN.slice(10), SECRET]) assert.ok(!kept.includes(secret), kept);
    await explorer.open(URL_OF_PAGE);
    assert.ok(!(await readStorages(explorer)).includes(TOKEN.slice(10)));
    assert.equal(await explorer.page.getByLabel('Access token').inputValue(), '');
  }));

test('the editor shows a selection and text that looks like HTML, though the policy allows no style attribute', () =>
  visit({}, async (explorer) => {
    await explorer.open(URL_OF_PAGE);
    await explorer.authorize(TOKEN);
    const text = 'query Html { clients(search: "<b style=\\"x\\"> style=\\"y\\"") { totalCount } }';
    await explorer.typeQuery(text);
    await explorer.sees('query', text);
    await explorer.page.keyboard.press('ControlOrMeta+A');
    await explorer.page.waitForFunction(() =>
      [...document.querySelectorAll('.graphiql-query-editor .selected-text')].some((part) => part.getBoundingClientRect().width > 100),
    );
    assert.deepEqual(explorer.complaints.filter(isFault), []);
  }));

test('there is no editor of headers, and no setting that keeps them', () =>
  visit({}, async (explorer) => {
    await explorer.open(URL_OF_PAGE);
    assert.equal(await explorer.page.getByRole('button', { name: 'Headers', exact: true }).count(), 0);
    await explorer.page.getByRole('button', { name: 'Open settings dialog' }).click();
    await explorer.page.getByText('Clear storage').waitFor();
    assert.equal(await explorer.page.getByText('Persist headers').count(), 0);
  }));

test('a page without a token says where one comes from, asks nothing of the service, and holds for all tabs what is typed', () =>
  visit(NO_TOKEN, async (explorer) => {
    const asked = [];
    explorer.page.on('request', (request) => request.method() === 'POST' && asked.push(request));
    await explorer.open(URL_OF_PAGE);
    await explorer.page.getByText('clientele token create --account EMAIL').waitFor();
    assert.ok(!(await explorer.page.content()).includes(TOKEN));
    assert.deepEqual(asked, []);
    await explorer.picture('no-token');
    await explorer.authorize(TOKEN);
    await explorer.page.getByText('clientele token create --account EMAIL').waitFor({ state: 'hidden' });
    for (const name of [TAB_NAMES[0], TAB_NAMES[1]]) {
      await explorer.showTab(name);
      assert.equal((await explorer.run()).errors, undefined);
    }
    assert.deepEqual(explorer.complaints, []);
  }));

for (const [width, height] of [[390, 844], [1440, 900]]) {
  test(`a screen of ${width} × ${height} has room for the query, the answer, the documentation and the explorer`, () =>
    visit({ viewport: { width, height } }, async (explorer) => {
      await explorer.open(URL_OF_PAGE);
      await explorer.authorize(TOKEN);
      await explorer.run();
      await explorer.sees('response', '"data"');
      await explorer.picture(`screen-${width}`);
      for (const pane of ['.graphiql-response', '.graphiql-query-editor']) await fits(explorer, pane, width, height);
      for (const [button, pane] of [['Documentation Explorer', '.graphiql-doc-explorer'], ['GraphiQL Explorer', '.graphiql-explorer-root']]) {
        await explorer.page.getByRole('button', { name: `Show ${button}` }).click();
        await fits(explorer, pane, width, height);
        await explorer.picture(`screen-${width}-${button.split(' ')[0]}`);
        await explorer.page.getByRole('button', { name: `Hide ${button}` }).click();
      }
      await fits(explorer, '.graphiql-response', width, height);
    }));
}

/** A pane is at least 300 pixels wide and 150 high, begins on the screen, and makes the page no wider than the screen. */
async function fits(explorer, pane, width, height) {
  const box = await explorer.page.locator(pane).boundingBox();
  assert.ok(box.width >= 300 && box.height >= 150, `${pane}: ${JSON.stringify(box)}`);
  assert.ok(box.x >= 0 && box.x + box.width <= width + 1 && box.y >= 0 && box.y < height - 150, `${pane}: ${JSON.stringify(box)}`);
  assert.ok((await explorer.page.evaluate(() => document.documentElement.scrollWidth)) <= width);
}

test('the explorer adds a field to the query', () =>
  visit({}, async (explorer) => {
    await explorer.open(URL_OF_PAGE);
    await explorer.authorize(TOKEN);
    await explorer.showTab(TAB_NAMES[1]);
    await explorer.page.getByRole('button', { name: 'Show GraphiQL Explorer' }).click();
    await explorer.page.locator('.graphiql-explorer-root').getByText('website', { exact: true }).click();
    await explorer.sees('query', 'website');
    assert.ok('website' in (await explorer.run()).data.clients.nodes[0]);
    await explorer.picture('explorer');
  }));

test('a typed token brings the documentation of the schema', () =>
  visit({}, async (explorer) => {
    await explorer.open(URL_OF_PAGE);
    await explorer.authorize(TOKEN);
    await explorer.page.getByRole('button', { name: 'Show Documentation Explorer' }).click();
    await explorer.page.locator('.graphiql-doc-explorer').getByRole('link', { name: 'Query', exact: true }).click();
    await explorer.page.locator('.graphiql-doc-explorer').getByText('clients', { exact: true }).waitFor();
    await explorer.picture('documentation');
  }));

for (const { name } of EXAMPLES.filter(({ kind }) => kind === 'subscription')) {
  test(`the example tab ${name} opens a socket with the headers in connection_init and shows what happens`, () =>
    visit({}, async (explorer) => {
      const sent = [];
      explorer.page.on('websocket', (socket) => socket.on('framesent', ({ payload }) => sent.push(JSON.parse(payload))));
      await explorer.open(URL_OF_PAGE);
      await explorer.authorize(TOKEN);
      assert.deepEqual(sent, [], 'no socket before a subscription runs');
      await explorer.showTab(name);
      await explorer.sees('query', `subscription ${name}`);
      await explorer.pressUntil(() => sent.some(({ type }) => type === 'subscribe'));
      await changeUntil(() => explorer.sees('response', '"name": "Seen by a subscription"'));
      assert.deepEqual(sent[0], { type: 'connection_init', payload: { Authorization: `Bearer ${TOKEN}` } });
      assert.equal(sent[1].type, 'subscribe');
      assert.deepEqual(explorer.complaints.filter(isFault), []);
      await explorer.picture(`tab-${name}`);
    }));
}

/** Makes clients until one is seen: a subscription begins a moment after it was sent. */
async function changeUntil(seen) {
  let waiting = true;
  const outcome = seen().finally(() => { waiting = false; });
  while (waiting) {
    await askDirectly(CREATE);
    await Promise.race([outcome.catch(() => {}), new Promise((resolve) => { setTimeout(resolve, 300); })]);
  }
  await outcome;
}

test('light and dark follow the system', async () => {
  const brightness = {};
  for (const colorScheme of ['light', 'dark']) {
    await visit({ colorScheme }, async (explorer) => {
      await explorer.open(URL_OF_PAGE);
      brightness[colorScheme] = await explorer.page
        .locator('.graphiql-container')
        .evaluate((element) => getComputedStyle(element).backgroundColor.match(/\d+/g).slice(0, 3).reduce((sum, part) => sum + +part, 0));
      await explorer.picture(colorScheme);
    });
  }
  assert.ok(brightness.light > 600 && brightness.dark < 200, JSON.stringify(brightness));
});

/** The files that a CDN would serve, taken from the packages themselves: address -> content. */
function packFiles() {
  const pinned = JSON.parse(readFileSync(join(SOURCE, 'cdn.json'), 'utf8'));
  return new Map(pinned.map((file) => [`${CDN}${file.package}@${file.version}/${file.file}`, { ...file, body: readPacked(file) }]));
}

function readPacked({ package: name, version, file }) {
  const [{ filename }] = JSON.parse(execFileSync('npm', ['pack', `${name}@${version}`, '--json'], { cwd: folder, stdio: ['ignore', 'pipe', 'ignore'] }));
  return execFileSync('tar', ['-xzOf', join(folder, filename), `package/${file}`], { maxBuffer: 1 << 28 });
}

/** The page as it is where no bundle was built, its CDN played by `files`. */
async function serveWithoutBundle(page, files) {
  const script =
    'import json, pathlib; from app.graphql.server.graphiql.page import graphiql_page as make; page = make(dist=pathlib.Path("absent")); ' +
    'print(json.dumps({"body": page.body.decode(), "headers": dict(page.headers)}))';
  const python = process.env.CLIENTELE_PYTHON ?? 'python3';
  const made = JSON.parse(execFileSync(python, ['-c', script], { cwd: join(SOURCE, '../../../..') }));
  await page.route(URL_OF_PAGE, (route) => (route.request().method() === 'GET' ? route.fulfill(made) : route.continue()));
  await page.route(`${CDN}**`, (route) => {
    const { file, body } = files.get(route.request().url());
    const contentType = file.endsWith('.css') ? 'text/css' : 'text/javascript';
    return route.fulfill({ body, contentType, headers: { 'Access-Control-Allow-Origin': '*' } });
  });
}

test('without its bundle the page says so and runs from pinned files of the packages', async () => {
  const files = packFiles();
  for (const { integrity, body } of files.values()) {
    assert.equal(integrity, `sha384-${createHash('sha384').update(body).digest('base64')}`);
  }
  await visit(
    {},
    async (explorer) => {
      await explorer.open(URL_OF_PAGE);
      assert.match(await explorer.page.getByRole('note').textContent(), /from a CDN/);
      assert.deepEqual(await explorer.tabs(), TAB_NAMES);
      await runTypedQuery(explorer);
      assert.deepEqual(explorer.complaints.filter(isFault), []);
      await explorer.picture('without-bundle');
    },
    (page) => serveWithoutBundle(page, files),
  );
});

test('a file of the CDN that is not the pinned one is not run', async () => {
  const files = packFiles();
  for (const file of files.values()) {
    if (file.package === 'graphiql' && file.file.endsWith('.js')) file.body = Buffer.concat([file.body, Buffer.from('\n')]);
  }
  await visit(
    {},
    async (explorer) => {
      await explorer.page.goto(URL_OF_PAGE);
      await explorer.page.getByText('could not be loaded: a file is missing').waitFor();
    },
    (page) => serveWithoutBundle(page, files),
  );
});
