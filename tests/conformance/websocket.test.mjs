/**
 * graphql-transport-ws message by message: the close codes of its document, and errors that end one operation alone.
 *
 * CLIENTELE_URL     the running service, such as http://127.0.0.1:8000
 * CLIENTELE_TOKEN   an access token
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import WebSocket from 'ws';

const SOCKET = new URL('/graphql', process.env.CLIENTELE_URL).href.replace(/^http/, 'ws');
const PROTOCOL = 'graphql-transport-ws';
const AUTHORIZATION = `Bearer ${process.env.CLIENTELE_TOKEN}`;
const QUERY = '{ viewer { scopes } }';
const FOLLOW = 'subscription { clientChanges { cursor } }';

/** A WebSocket whose messages and close event are waited for one after the other. */
class Line {
  constructor(options = {}) {
    this.socket = new WebSocket(SOCKET, PROTOCOL, options);
    this.messages = [];
    this.waiting = [];
    this.opened = new Promise((resolve, reject) => {
      this.socket.on('open', resolve);
      this.socket.on('error', reject);
    });
    this.closed = new Promise((resolve) => {
      this.socket.on('close', (code, reason) => resolve({ code, reason: String(reason) }));
    });
    this.socket.on('message', (data) => {
      const message = JSON.parse(data);
      const next = this.waiting.shift();
      if (next) next(message);
      else this.messages.push(message);
    });
  }

  async send(message) {
    await this.opened;
    this.socket.send(typeof message === 'string' || Buffer.isBuffer(message) ? message : JSON.stringify(message));
  }

  /** The next message; a close event comes as an object with `code`. */
  receive() {
    if (this.messages.length) return Promise.resolve(this.messages.shift());
    return Promise.race([new Promise((resolve) => { this.waiting.push(resolve); }), this.closed]);
  }

  async init() {
    await this.send({ type: 'connection_init', payload: { Authorization: AUTHORIZATION } });
    assert.deepEqual(await this.receive(), { type: 'connection_ack' });
  }

  subscribe(id, payload) {
    return this.send({ id, type: 'subscribe', payload });
  }
}

async function withLine(use, options) {
  const line = new Line(options);
  try {
    await use(line);
  } finally {
    line.socket.terminate();
  }
}

const WRONG_SHAPES = {
  'no JSON': '{nope',
  'a list': '[]',
  bytes: Buffer.from([1, 2, 3]),
  'no type': { id: '1' },
  'an unknown type': { type: 'start', id: '1', payload: { query: QUERY } },
  'no id': { type: 'subscribe', payload: { query: QUERY } },
  'an empty id': { type: 'subscribe', id: '', payload: { query: QUERY } },
  'no payload': { type: 'subscribe', id: '1' },
  'no query': { type: 'subscribe', id: '1', payload: {} },
  'a query that is no string': { type: 'subscribe', id: '1', payload: { query: 7 } },
  'variables that are no object': { type: 'subscribe', id: '1', payload: { query: QUERY, variables: 'x' } },
  'an operationName that is no string': { type: 'subscribe', id: '1', payload: { query: QUERY, operationName: 7 } },
  'extensions that are no object': { type: 'subscribe', id: '1', payload: { query: QUERY, extensions: [] } },
};

for (const [shape, message] of Object.entries(WRONG_SHAPES)) {
  test(`a message with ${shape} closes with 4400 and a reason`, () =>
    withLine(async (line) => {
      await line.init();
      await line.send(message);
      const { code, reason } = await line.receive();
      assert.equal(code, 4400);
      assert.ok(reason);
    }));
}

const OWN_ERRORS = {
  GRAPHQL_PARSE_FAILED: { query: '{' },
  GRAPHQL_VALIDATION_FAILED: { query: '{ nothing }' },
  OPERATION_RESOLUTION_FAILURE: { query: `query A ${QUERY}`, operationName: 'B' },
  BAD_USER_INPUT: { query: 'query ($id: ID!) { client(id: $id) { id } }' },
};

for (const [code, payload] of Object.entries(OWN_ERRORS)) {
  test(`${code} ends only its operation`, () =>
    withLine(async (line) => {
      await line.init();
      await line.subscribe('bad', payload);
      const error = await line.receive();
      assert.deepEqual([error.type, error.id, error.payload[0].extensions.code], ['error', 'bad', code]);
      await line.subscribe('bad', { query: QUERY });
      assert.equal((await line.receive()).payload.data.viewer.scopes.length > 0, true);
      assert.deepEqual(await line.receive(), { type: 'complete', id: 'bad' });
    }));
}

test('an operation before connection_init, a second one, and an id in use close with their codes', async () => {
  await withLine(async (line) => {
    await line.subscribe('1', { query: QUERY });
    assert.equal((await line.receive()).code, 4401);
  });
  await withLine(async (line) => {
    await line.init();
    await line.send({ type: 'connection_init' });
    assert.equal((await line.receive()).code, 4429);
  });
  await withLine(async (line) => {
    await line.init();
    await line.subscribe('s', { query: FOLLOW });
    await line.subscribe('s', { query: FOLLOW });
    assert.equal((await line.receive()).code, 4409);
  });
});

test('pings are answered before and after connection_init, and pongs are not', () =>
  withLine(async (line) => {
    await line.send({ type: 'ping' });
    assert.deepEqual(await line.receive(), { type: 'pong' });
    await line.init();
    await line.send({ type: 'pong' });
    await line.send({ type: 'ping', payload: { a: 1 } });
    assert.deepEqual(await line.receive(), { type: 'pong', payload: { a: 1 } });
  }));

test('complete ends an operation silently, also one that is not there', () =>
  withLine(async (line) => {
    await line.init();
    await line.subscribe('s', { query: FOLLOW });
    for (const id of ['s', 'nothing']) await line.send({ type: 'complete', id });
    await line.send({ type: 'ping' });
    assert.deepEqual(await line.receive(), { type: 'pong' });
  }));

test('a page of a foreign origin connects with a token, and its cookies count for nothing', async () => {
  const headers = { Origin: 'https://evil.example', Cookie: `token=${process.env.CLIENTELE_TOKEN}` };
  await withLine((line) => line.init(), { headers });
  await withLine(async (line) => {
    await line.send({ type: 'connection_init' });
    const { code, reason } = await line.receive();
    assert.deepEqual([code, reason], [4403, 'An access token is required']);
  }, { headers });
});

test('a token that is not valid closes with 4403 and the reason', () =>
  withLine(async (line) => {
    await line.send({ type: 'connection_init', payload: { Authorization: 'Bearer nothing' } });
    assert.deepEqual(await line.receive(), { code: 4403, reason: 'The access token is not known' });
  }));
