/**
 * The audits of GraphQL over HTTP by the package graphql-http, one test for each; what may or should hold must hold here too.
 *
 * CLIENTELE_URL     the running service, such as http://127.0.0.1:8000
 * CLIENTELE_TOKEN   an access token
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { serverAudits } from 'graphql-http';

const URL_OF_DOOR = new URL('/graphql', process.env.CLIENTELE_URL).href;
const TOKEN = process.env.CLIENTELE_TOKEN;
const AUDITS = serverAudits({ url: URL_OF_DOOR, fetchFn: fetchWithToken });

function fetchWithToken(url, init = {}) {
  const headers = new Headers(init.headers);
  headers.set('Authorization', `Bearer ${TOKEN}`);
  return fetch(url, { ...init, headers });
}

test('there are as many audits as ever', () => {
  assert.ok(TOKEN, 'CLIENTELE_TOKEN is needed');
  assert.equal(AUDITS.length, 61);
});

for (const audit of AUDITS) {
  test(`${audit.id} ${audit.name}`, async () => {
    const result = await audit.fn();
    assert.equal(result.status, 'ok', result.reason);
  });
}
