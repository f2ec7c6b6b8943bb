import { graphql } from 'react-relay';

export const create = graphql`
  mutation ClientChangesCreateMutation($input: CreateClientInput!, $key: String!, $connections: [ID!]!) {
    createClient(input: $input, idempotencyKey: $key) {
      clientEdge @prependEdge(connections: $connections) {
        cursor
        node {
          ...ClientRow_client
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

export const createMany = graphql`
  mutation ClientChangesCreateManyMutation($input: [CreateClientInput!]!, $connections: [ID!]!) {
    createClients(input: $input, errorPolicy: REJECT_FAILED) {
      results {
        index
        client @appendNode(connections: $connections, edgeTypeName: "ClientEdge") {
          ...ClientRow_client
        }
        userErrors {
          message
        }
      }
    }
  }
`;

export const update = graphql`
  mutation ClientChangesUpdateMutation($id: ID!, $input: UpdateClientInput!, $version: Int) {
    updateClient(id: $id, input: $input, expectedVersion: $version) {
      client {
        ...ClientRow_client
      }
      userErrors {
        field
        code
      }
    }
  }
`;

export const remove = graphql`
  mutation ClientChangesDeleteMutation($id: ID!, $connections: [ID!]!) {
    deleteClient(id: $id) {
      deletedClientId @deleteEdge(connections: $connections)
    }
  }
`;

export const erase = graphql`
  mutation ClientChangesEraseMutation($id: ID!) {
    permanentlyDeleteCustomer(id: $id) {
      deletedCustomerId @deleteRecord
    }
  }
`;

export const restore = graphql`
  mutation ClientChangesRestoreMutation($id: ID!, $connections: [ID!]!) {
    restoreCustomer(id: $id) {
      customerEdge @appendEdge(connections: $connections) {
        node {
          id
        }
      }
    }
  }
`;
