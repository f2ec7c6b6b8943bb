/** Reads two pages and writes a client twice. The compiler knows the type of every field and variable. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';

import { execute } from './execute.js';
import { graphql } from './gql/gql.js';

const list = graphql(`
  query ClientList($first: Int!, $after: String) {
    clients(first: $first, after: $after, orderBy: [{ field: NAME }]) {
      nodes {
        id
        name
      }
      pageInfo {
        hasNextPage
        endCursor
      }
    }
  }
`);

const create = graphql(`
  mutation CreateClient($input: CreateClientInput!, $key: String!) {
    createClient(input: $input, idempotencyKey: $key) {
      client {
        id
        version
      }
      userErrors {
        field
        message
        code
      }
    }
  }
`);

const update = graphql(`
  mutation UpdateClient($id: ID!, $input: UpdateClientInput!, $version: Int!) {
    updateClient(id: $id, input: $input, expectedVersion: $version) {
      client {
        city
        version
      }
      userErrors {
        message
        code
      }
    }
  }
`);

const first = await execute(list, { first: 5 });
const second = await execute(list, { first: 5, after: first.clients.pageInfo.endCursor });
const ids = new Set([...first.clients.nodes, ...second.clients.nodes].map(({ id }) => id));
assert.equal(ids.size, 10);
console.log('Two pages have no row in common.');

const rejected = await execute(create, { input: { name: ' ' }, key: randomUUID() });
assert.equal(rejected.createClient.userErrors[0]?.code, 'BLANK');

// A request that is sent again with its key is done once.
const variables = { input: { name: 'Codegen Ltd', city: 'Celje' }, key: randomUUID() };
const { client } = (await execute(create, variables)).createClient;
assert.ok(client);
assert.equal((await execute(create, variables)).createClient.client?.id, client.id);

const { id, version } = client;
const changed = await execute(update, { id, input: { city: 'Koper' }, version });
assert.equal(changed.updateClient.client?.city, 'Koper');
const stale = await execute(update, { id, input: { city: 'Kranj' }, version });
assert.equal(stale.updateClient.userErrors[0]?.code, 'STALE_VERSION');
console.log('A client was created once and changed once.');
