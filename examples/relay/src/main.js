/** Reads a list, writes a client that the list then shows, and follows its changes. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';

import {
  ConnectionHandler,
  ROOT_ID,
  commitMutation,
  createOperationDescriptor,
  fetchQuery,
  graphql,
  requestSubscription,
} from 'relay-runtime';

import { createEnvironment } from './environment.js';

const { SERVICE_URL, SERVICE_TOKEN } = process.env;
const { environment, close } = createEnvironment(`${SERVICE_URL}/graphql`, SERVICE_TOKEN);

/** The position after the newest change. Read it before the list that it keeps up to date. */
const position = graphql`
  query mainPositionQuery {
    organization {
      changesCursor
    }
  }
`;

const list = graphql`
  query mainListQuery($count: Int!) {
    clients(first: $count, orderBy: [{ field: NAME }]) @connection(key: "main_clients", filters: []) {
      edges {
        node {
          id
          name
        }
      }
    }
  }
`;

const create = graphql`
  mutation mainCreateMutation($input: CreateClientInput!, $key: String!, $connections: [ID!]!) {
    createClient(input: $input, idempotencyKey: $key) {
      clientEdge @prependEdge(connections: $connections) {
        node {
          id
          name
          city
          version
        }
      }
      userErrors {
        field
        message
        code
      }
    }
  }
`;

const update = graphql`
  mutation mainUpdateMutation($id: ID!, $input: UpdateClientInput!, $version: Int!) {
    updateClient(id: $id, input: $input, expectedVersion: $version) {
      client {
        id
        city
        version
      }
      userErrors {
        message
        code
      }
    }
  }
`;

const changes = graphql`
  subscription mainChangesSubscription($after: String!) {
    clientChanges(after: $after) {
      cursor
      action
      client {
        id
        name
        city
        version
      }
    }
  }
`;

/** The payload of a mutation. `userErrors` are for people, so an application shows them beside the form. */
function mutate(mutation, variables) {
  return new Promise((resolve, reject) => {
    const onCompleted = (response, errors) => (errors?.length ? reject(errors[0]) : resolve(Object.values(response)[0]));
    commitMutation(environment, { mutation, variables, onCompleted, onError: reject });
  });
}

function firstEvent(variables) {
  return new Promise((resolve, reject) => {
    const subscription = requestSubscription(environment, {
      subscription: changes,
      variables,
      onNext: ({ clientChanges }) => {
        subscription.dispose();
        resolve(clientChanges);
      },
      onError: reject,
    });
  });
}

/** The names in the list, as the store has them now. */
function namesInStore(variables) {
  const { fragment } = createOperationDescriptor(list, variables);
  return environment.lookup(fragment).data.clients.edges.map(({ node }) => node.name);
}

async function main() {
  const variables = { count: 5 };
  const { organization } = await fetchQuery(environment, position, {}).toPromise();
  await fetchQuery(environment, list, variables).toPromise();
  environment.retain(createOperationDescriptor(list, variables));
  assert.equal(namesInStore(variables).length, 5);

  const connections = [ConnectionHandler.getConnectionID(ROOT_ID, 'main_clients')];
  const rejected = await mutate(create, { input: { name: ' ' }, key: randomUUID(), connections });
  assert.equal(rejected.userErrors[0].code, 'BLANK');

  const { clientEdge } = await mutate(create, { input: { name: 'Relay Ltd', city: 'Celje' }, key: randomUUID(), connections });
  assert.equal(namesInStore(variables)[0], 'Relay Ltd');
  console.log('The mutation added its client to the list in the store.');

  const { id, version } = clientEdge.node;
  await mutate(update, { id, input: { city: 'Koper' }, version });
  assert.equal(environment.getStore().getSource().get(id).city, 'Koper');
  const stale = await mutate(update, { id, input: { city: 'Kranj' }, version });
  assert.equal(stale.userErrors[0].code, 'STALE_VERSION');
  console.log('A client was created once and changed once.');

  // The position was read before the list, so the subscription misses no change of it.
  const event = await firstEvent({ after: organization.changesCursor });
  assert.equal(event.action, 'CREATED');
  assert.equal(event.client.id, id);
  console.log('The subscription continued after the position.');
}

main().finally(close);
