/**
 * Subscriptions as the client graphql-ws sees them: they tell changes, go on after a cursor, and say why they do not.
 *
 * CLIENTELE_URL     the running service, such as http://127.0.0.1:8000
 * CLIENTELE_TOKEN   an access token that may read and write
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { CloseCode, createClient } from 'graphql-ws';
import WebSocket from 'ws';

const ADDRESS = new URL('/graphql', process.env.CLIENTELE_URL);
const SOCKET = ADDRESS.href.replace(/^http/, 'ws');
const TOKEN = process.env.CLIENTELE_TOKEN;
const FOLLOW = `subscription Followed($after: String) {
  clientChanges(after: $after) { cursor action version clientId client { name } }
}`;
const CREATE = 'mutation ($name: String!) { createClient(input: { name: $name }) { client { clientId } } }';

async function ask(query, variables) {
  const response = await fetch(ADDRESS, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', Authorization: `Bearer ${TOKEN}` },
    body: JSON.stringify({ query, variables }),
  });
  const { data, errors } = await response.json();
  assert.equal(errors, undefined, JSON.stringify(errors));
  return data;
}

async function create(name) {
  return (await ask(CREATE, { name })).createClient.client.clientId;
}

function connect(settings = {}) {
  return createClient({
    url: SOCKET,
    webSocketImpl: WebSocket,
    connectionParams: { Authorization: `Bearer ${TOKEN}` },
    retryAttempts: 0,
    ...settings,
  });
}

/** Ends the client whatever becomes of the test. */
async function withClient(settings, use) {
  const client = connect(settings);
  try {
    return await use(client);
  } finally {
    await client.dispose();
  }
}

/** Follows from now on; the first change is one that is made again and again until it is seen. */
async function followFromNow(client, name) {
  const changes = client.iterate({ query: FOLLOW });
  const first = changes.next();
  let seen = false;
  first.then(() => { seen = true; }, () => { seen = true; });
  while (!seen) {
    await create(name);
    await Promise.race([first.catch(() => {}), new Promise((resolve) => { setTimeout(resolve, 100); })]);
  }
  return { changes, first: (await first).value.data.clientChanges };
}

/** The close event with which a client is turned away. */
async function refusal(settings) {
  return withClient(settings, async (client) => {
    try {
      await client.iterate({ query: '{ viewer { scopes } }' }).next();
    } catch (event) {
      return event;
    }
    return assert.fail('the client was not turned away');
  });
}

test('queries, mutations and their errors come over the socket', () =>
  withClient({}, async (client) => {
    const answer = await client.iterate({ query: '{ viewer { scopes } }' }).next();
    assert.deepEqual(answer.value.data.viewer.scopes, ['READ', 'WRITE']);
    await assert.rejects(client.iterate({ query: '{ nothing }' }).next(), (errors) => {
      assert.equal(errors[0].extensions.code, 'GRAPHQL_VALIDATION_FAILED');
      return true;
    });
    const again = await client.iterate({ query: CREATE, variables: { name: 'Made over a socket' } }).next();
    assert.match(again.value.data.createClient.client.clientId, /^[0-9a-f]{24}$/);
  }));

test('a subscription tells changes and goes on after its last cursor', async () => {
  const first = await withClient({}, async (client) => (await followFromNow(client, 'Seen first')).first);
  assert.equal(first.action, 'CREATED');
  assert.equal(first.client.name, 'Seen first');
  const missed = [await create('Missed one'), await create('Missed two')];
  await withClient({}, async (client) => {
    const changes = client.iterate({ query: FOLLOW, variables: { after: first.cursor } });
    const told = [];
    while (told.length < missed.length) {
      const change = (await changes.next()).value.data.clientChanges;
      if (change.client.name.startsWith('Missed')) told.push(change.clientId);
    }
    assert.deepEqual(told, missed);
    await changes.return();
  });
});

test('a client that loses its connection again and again misses nothing', async () => {
  const sockets = [];
  class Seen extends WebSocket {
    constructor(...parameters) {
      super(...parameters);
      sockets.push(this);
    }
  }
  let after;
  const told = [];
  const start = (await withClient({}, (client) => followFromNow(client, 'Started'))).first.cursor;
  await withClient({ webSocketImpl: Seen, retryAttempts: 5, retryWait: async () => {} }, async (client) => {
    const made = [];
    for (let index = 0; index < 10; index += 1) made.push(await create(`Kept ${index}`));
    for (after = start; told.length < made.length; ) {
      const payload = { query: FOLLOW, variables: { after } };
      for await (const { data } of client.iterate(payload)) {
        after = data.clientChanges.cursor;
        if (data.clientChanges.client.name.startsWith('Kept')) told.push(data.clientChanges.clientId);
        if (told.length % 3 === 0 || told.length === made.length) break;
      }
      sockets.at(-1).terminate();
    }
    assert.deepEqual(told, made);
  });
  assert.ok(sockets.length > 1);
});

test('a token that is not known is turned away with 4403', async () => {
  for (const connectionParams of [{ Authorization: 'Bearer nothing' }, {}, undefined]) {
    assert.equal((await refusal({ connectionParams })).code, CloseCode.Forbidden);
  }
});

test('an operation before connection_init closes with 4401', async () => {
  const socket = new WebSocket(SOCKET, 'graphql-transport-ws');
  const closed = new Promise((resolve) => { socket.on('close', resolve); });
  socket.on('open', () => socket.send(JSON.stringify({ type: 'subscribe', id: '1', payload: { query: FOLLOW } })));
  assert.equal(await closed, CloseCode.Unauthorized);
});

test('another protocol is not spoken', async () => {
  const socket = new WebSocket(SOCKET, []);
  const closed = new Promise((resolve) => { socket.on('close', resolve); });
  assert.equal(await closed, CloseCode.SubprotocolNotAcceptable);
});
