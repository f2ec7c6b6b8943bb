/**
 * The pages of a service below a prefix and without introspection, through a proxy that knows nothing outside of the prefix.
 *
 * CLIENTELE_URL    the running service with its prefix, such as http://127.0.0.1:8000/erp
 * CLIENTELE_TOKEN  an access token that may read and write
 */
import assert from 'node:assert/strict';
import http from 'node:http';
import { after, before, test } from 'node:test';

import { Explorer, launchBrowser } from './explorer.mjs';

const SERVICE = new URL(process.env.CLIENTELE_URL);
const PREFIX = SERVICE.pathname;
const TOKEN = process.env.CLIENTELE_TOKEN;
const CREATE = 'mutation { createClient(input: { name: "Seen through a proxy" }) { client { id } } }';

let browser;

before(async () => {
  browser = await launchBrowser();
});

after(() => browser?.close());

/** A proxy on a port of its own. `rewrite` gives the path at the service. */
async function proxied(rewrite, use) {
  const forward = (request) => {
    const { method, headers } = request;
    return { host: SERVICE.hostname, port: SERVICE.port, path: rewrite(request.url), method, headers: { ...headers, host: SERVICE.host } };
  };
  const strays = [];
  const proxy = http.createServer((request, response) => {
    if (!request.url.startsWith(`${PREFIX}/`)) {
      if (request.url !== '/favicon.ico') strays.push(request.url);
      response.writeHead(404).end();
      return;
    }
    request.pipe(
      http.request(forward(request), (answer) => {
        response.writeHead(answer.statusCode, answer.headers);
        answer.pipe(response);
      }),
    );
  });
  proxy.on('upgrade', (request, socket, head) => {
    const upstream = http.request(forward(request)).end();
    upstream.on('upgrade', (answer, other) => {
      const lines = Object.entries(answer.headers).map(([name, value]) => `${name}: ${value}\r\n`);
      socket.write(`HTTP/1.1 101 Switching Protocols\r\n${lines.join('')}\r\n`);
      other.write(head);
      socket.pipe(other).pipe(socket);
      for (const end of [socket, other]) end.on('error', () => {});
    });
  });
  await new Promise((resolve) => { proxy.listen(0, '127.0.0.1', resolve); });
  try {
    await use(`http://127.0.0.1:${proxy.address().port}`);
    assert.deepEqual(strays, [], 'every address has the prefix');
  } finally {
    proxy.closeAllConnections();
    proxy.close();
  }
}

const REWRITES = {
  'passes the prefix on': (path) => path,
  'removes the prefix': (path) => path.slice(PREFIX.length),
};

for (const [what, rewrite] of Object.entries(REWRITES)) {
  test(`behind a proxy that ${what}, queries and subscriptions run`, () =>
    proxied(rewrite, async (address) => {
      const page = await (await browser.newContext()).newPage();
      const explorer = new Explorer(page);
      await explorer.open(`${address}${PREFIX}/graphql`);
      await explorer.authorize(TOKEN);
      assert.ok((await explorer.run()).data.clients.totalCount > 0);
      await explorer.showTab('ClientChanges');
      await explorer.sees('query', 'subscription ClientChanges');
      const opened = page.waitForEvent('websocket');
      await explorer.press();
      assert.equal(new URL((await opened).url()).pathname, `${PREFIX}/graphql`);
      await create(explorer);
      assert.deepEqual([...explorer.hosts], [new URL(address).host]);
      await page.context().close();
    }));
}

for (const [what, rewrite] of Object.entries(REWRITES)) {
  test(`behind a proxy that ${what}, the landing page leads to the reference, which sends requests below the prefix`, () =>
    proxied(rewrite, async (address) => {
      const page = await (await browser.newContext()).newPage();
      await page.goto(`${address}${PREFIX}/`);
      await page.getByRole('link', { name: 'Read and try' }).last().click();
      const operation = page.locator('[id="customers/tag/customers/GET/customers"]');
      await page.getByRole('link', { name: /List customers/ }).first().click();
      await operation.getByRole('button', { name: /^Test Request/ }).click();
      await page.getByRole('dialog').getByRole('textbox', { name: /token/i }).first().fill(TOKEN);
      const answered = page.waitForResponse((response) => response.url() === `${address}${PREFIX}/customers`);
      await page.getByRole('button', { name: /^Send/ }).first().click();
      assert.equal((await answered).status(), 200);
      await page.context().close();
    }));
}

/** Makes clients until the page shows one. */
async function create(explorer) {
  const seen = explorer.sees('response', 'Seen through a proxy').then(() => true);
  let done = false;
  while (!done) {
    await fetch(`${SERVICE.href}/graphql`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', Authorization: `Bearer ${TOKEN}` },
      body: JSON.stringify({ query: CREATE }),
    });
    done = await Promise.race([seen, new Promise((resolve) => { setTimeout(resolve, 300, false); })]);
  }
}

test('with introspection off the page says so, asks for no schema and runs queries', async () => {
  const page = await (await browser.newContext()).newPage();
  const explorer = new Explorer(page);
  const asked = [];
  page.on('request', (request) => request.method() === 'POST' && asked.push(request.postDataJSON().operationName));
  await explorer.open(`${SERVICE.href}/graphql`);
  assert.match(await page.getByRole('note').textContent(), /Introspection is off on this service/);
  await explorer.authorize(TOKEN);
  await explorer.run();
  assert.deepEqual(asked, ['ClientsByName']);
  assert.equal(await page.getByRole('button', { name: 'Show GraphiQL Explorer' }).count(), 0);
  assert.deepEqual(explorer.complaints, []);
  await explorer.picture('no-introspection');
  await page.context().close();
});
