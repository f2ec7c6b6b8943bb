/** Reads two pages, writes a client twice, and follows its changes. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';

import { gql } from '@urql/core';
import { pipe, take, toPromise } from 'wonka';

import { createClient } from './client.js';

const { SERVICE_URL, SERVICE_TOKEN } = process.env;
const { client, close } = createClient(`${SERVICE_URL}/graphql`, SERVICE_TOKEN);

const ROW = gql`
  fragment Row on Client {
    id
    name
    city
    version
  }
`;

/** The position after the newest change. Read it before the list that it keeps up to date. */
const POSITION = gql`
  query Position {
    organization {
      id
      changesCursor
    }
  }
`;

const LIST = gql`
  query ClientList($first: Int!, $after: String) {
    clients(first: $first, after: $after, orderBy: [{ field: NAME }]) {
      edges {
        cursor
        node {
          ...Row
        }
      }
      pageInfo {
        hasNextPage
        endCursor
      }
    }
  }
  ${ROW}
`;

const CREATE = gql`
  mutation CreateClient($input: CreateClientInput!, $key: String!) {
    createClient(input: $input, idempotencyKey: $key) {
      client {
        ...Row
      }
      userErrors {
        field
        message
        code
      }
    }
  }
  ${ROW}
`;

const UPDATE = gql`
  mutation UpdateClient($id: ID!, $input: UpdateClientInput!, $version: Int!) {
    updateClient(id: $id, input: $input, expectedVersion: $version) {
      client {
        ...Row
      }
      userErrors {
        field
        message
        code
      }
    }
  }
  ${ROW}
`;

const CHANGES = gql`
  subscription ClientChanges($after: String!) {
    clientChanges(after: $after) {
      cursor
      action
      client {
        ...Row
      }
    }
  }
  ${ROW}
`;

/** The data of a result; errors of the request are thrown. */
function read({ data, error }) {
  if (error) throw error;
  return data;
}

/** The payload of a mutation. `userErrors` are for people, so an application shows them beside the form. */
async function mutate(mutation, variables) {
  const [payload] = Object.values(read(await client.mutation(mutation, variables)));
  return payload;
}

const start = read(await client.query(POSITION, {}));
const first = read(await client.query(LIST, { first: 5 }));
const both = read(await client.query(LIST, { first: 5, after: first.clients.pageInfo.endCursor }));
assert.equal(both.clients.edges.length, 10);
console.log('Two pages are one list in the cache.');

const rejected = await mutate(CREATE, { input: { name: ' ' }, key: randomUUID() });
assert.equal(rejected.userErrors[0].code, 'BLANK');

// A request that is sent again with its key is done once.
const variables = { input: { name: 'urql Ltd', city: 'Celje' }, key: randomUUID() };
const { client: created } = await mutate(CREATE, variables);
assert.equal((await mutate(CREATE, variables)).client.id, created.id);

const { client: changed } = await mutate(UPDATE, { id: created.id, input: { city: 'Koper' }, version: created.version });
assert.equal(changed.city, 'Koper');
const stale = await mutate(UPDATE, { id: created.id, input: { city: 'Kranj' }, version: created.version });
assert.equal(stale.userErrors[0].code, 'STALE_VERSION');
console.log('A client was created once and changed once.');

// The position was read before the list, so the subscription misses no change of it.
const after = start.organization.changesCursor;
const { clientChanges } = read(await pipe(client.subscription(CHANGES, { after }), take(1), toPromise));
assert.equal(clientChanges.action, 'CREATED');
assert.equal(clientChanges.client.id, created.id);
console.log('The subscription continued after the position.');

await close();
