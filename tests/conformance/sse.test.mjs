/**
 * Server-sent events as graphql-sse and EventSource see them. An EventSource that loses its connection loses no change.
 *
 * CLIENTELE_URL     the running service, such as http://127.0.0.1:8000
 * CLIENTELE_TOKEN   an access token that may read and write
 */
import assert from 'node:assert/strict';
import { connect, createServer } from 'node:net';
import { test } from 'node:test';

import { EventSource } from 'eventsource';
import { createClient } from 'graphql-sse';

const ADDRESS = new URL('/graphql', process.env.CLIENTELE_URL);
const TOKEN = process.env.CLIENTELE_TOKEN;
const HEADERS = { Authorization: `Bearer ${TOKEN}` };
const QUERY = '{ viewer { scopes } }';
const FOLLOW = 'subscription ($after: String) { clientChanges(after: $after) { cursor client { name } } }';
const CREATE = 'mutation ($name: String!) { createClient(input: { name: $name }) { client { id } } }';

const post = (body, accept = 'text/event-stream') =>
  fetch(ADDRESS, {
    method: 'POST',
    headers: { ...HEADERS, 'Content-Type': 'application/json', Accept: accept },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });

async function create(name) {
  const { errors } = await (await post({ query: CREATE, variables: { name } }, 'application/json')).json();
  assert.equal(errors, undefined);
}

/** The URL of an operation for EventSource, which sends no headers of its own. */
function operation(origin, query) {
  const url = new URL('/graphql', origin);
  url.search = new URLSearchParams({ query, access_token: TOKEN });
  return url;
}

const events = (text) => text.trim().split('\n\n').map((block) => block.split('\n')[0]);

test('a query has one next event and one complete event, with POST and with GET', async () => {
  for (const response of [await post({ query: QUERY }), await fetch(operation(ADDRESS, QUERY), { headers: { Accept: 'text/event-stream' } })]) {
    assert.match(response.headers.get('content-type'), /^text\/event-stream/);
    assert.match(response.headers.get('cache-control'), /no-cache/);
    assert.deepEqual(events(await response.text()), ['event: next', 'event: complete']);
  }
});

test('errors of an operation are an event, and errors of the request are not', async () => {
  for (const query of ['{', '{ nothing }']) {
    const text = await (await post({ query })).text();
    assert.deepEqual(events(text), ['event: next', 'event: complete']);
    assert.match(text, /"errors"/);
  }
  for (const body of [{}, '{', { query: 1 }]) assert.equal((await post(body)).status, 400);
});

test('graphql-sse runs a query and follows a subscription', async () => {
  const client = createClient({ url: ADDRESS.href, headers: HEADERS, retryAttempts: 0 });
  const results = [];
  for await (const result of client.iterate({ query: QUERY })) results.push(result);
  assert.equal(results.length, 1);
  const changes = client.iterate({ query: FOLLOW });
  const first = changes.next();
  let seen = false;
  first.then(() => { seen = true; });
  while (!seen) {
    await create('Followed');
    await Promise.race([first, new Promise((resolve) => { setTimeout(resolve, 100); })]);
  }
  assert.equal((await first).value.data.clientChanges.client.name, 'Followed');
  await changes.return();
  client.dispose();
});

/** A proxy in front of the service, whose connections can be cut. */
async function cuttingProxy() {
  const { hostname, port } = ADDRESS;
  const sockets = new Set();
  const server = createServer((inside) => {
    const outside = connect(port, hostname);
    for (const socket of [inside, outside]) {
      sockets.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => { sockets.delete(socket); inside.destroy(); outside.destroy(); });
    }
    inside.pipe(outside).pipe(inside);
  });
  await new Promise((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  return {
    origin: `http://127.0.0.1:${server.address().port}`,
    cut: () => sockets.forEach((socket) => socket.destroy()),
    close: () => server.close(),
  };
}

/** Waits for a condition. The test runner ends a test that never meets it. */
async function until(condition) {
  while (!condition()) await new Promise((resolve) => { setTimeout(resolve, 20); });
}

test('an EventSource that is cut off again and again gets every change once and in order', { timeout: 60_000 }, async () => {
  const proxy = await cuttingProxy();
  let connections = 0;
  let started = 0;
  const source = new EventSource(operation(proxy.origin, FOLLOW), {
    fetch: (url, init) => {
      connections += 1;
      return fetch(url, init);
    },
  });
  source.addEventListener('start', () => { started += 1; });
  const names = [];
  source.addEventListener('next', (event) => {
    const { client, cursor } = JSON.parse(event.data).data.clientChanges;
    assert.equal(event.lastEventId, cursor);
    if (client.name.startsWith('Cut ')) names.push(client.name);
  });
  try {
    await until(() => started === 1);
    proxy.cut();
    const made = [];
    for (let round = 0; round < 3; round += 1) {
      for (let index = 0; index < 3; index += 1) {
        made.push(`Cut ${round} ${index}`);
        await create(made.at(-1));
      }
      await until(() => names.length === made.length);
      proxy.cut();
    }
    assert.deepEqual(names, made);
    assert.ok(connections > 3);
  } finally {
    source.close();
    proxy.cut();
    proxy.close();
  }
});
