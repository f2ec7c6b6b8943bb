/**
 * Automatic persisted queries of Apollo Client. Without trusted documents, it learns from one answer to send no hashes.
 *
 * CLIENTELE_URL     the running service, such as http://127.0.0.1:8000
 * CLIENTELE_TOKEN   an access token
 */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';

import { ApolloClient, CombinedGraphQLErrors, gql, HttpLink, InMemoryCache } from '@apollo/client';
import { PersistedQueryLink } from '@apollo/client/link/persisted-queries';

const ADDRESS = new URL('/graphql', process.env.CLIENTELE_URL);
const sha256 = (text) => createHash('sha256').update(text).digest('hex');

/** A client that notes the bodies of its requests. */
function connect() {
  const sent = [];
  const http = new HttpLink({
    uri: ADDRESS.href,
    headers: { Authorization: `Bearer ${process.env.CLIENTELE_TOKEN}` },
    fetch: (url, init) => {
      sent.push(JSON.parse(init.body));
      return fetch(url, init);
    },
  });
  const client = new ApolloClient({ link: new PersistedQueryLink({ sha256 }).concat(http), cache: new InMemoryCache() });
  return { client, sent };
}

test('the first query costs a second request, and no later one does', async () => {
  const { client, sent } = connect();
  const queries = [gql`query First { viewer { scopes } }`, gql`query Second { clients { totalCount } }`, gql`query Third { customers { totalCount } }`];
  for (const query of queries) assert.ok((await client.query({ query })).data);
  assert.deepEqual(sent.map(({ query }) => query !== undefined), [false, true, true, true]);
  assert.ok(sent[0].extensions.persistedQuery.sha256Hash);
  assert.ok(sent.slice(2).every(({ extensions }) => extensions?.persistedQuery === undefined));
});

test('errors have their codes in Apollo Client', async () => {
  const { client } = connect();
  await assert.rejects(client.query({ query: gql`query Wrong { nothing }` }), (error) => {
    assert.ok(CombinedGraphQLErrors.is(error));
    assert.equal(error.errors[0].extensions.code, 'GRAPHQL_VALIDATION_FAILED');
    return true;
  });
});
