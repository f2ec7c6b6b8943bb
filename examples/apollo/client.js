/** Apollo Client for Clientele. Copy this file; a browser needs no `webSocketImpl`. */
import { ApolloClient, ApolloLink, HttpLink, InMemoryCache } from '@apollo/client';
import { GraphQLWsLink } from '@apollo/client/link/subscriptions';
import { relayStylePagination } from '@apollo/client/utilities';
import { OperationTypeNode } from 'graphql';
import { createClient as createSocket } from 'graphql-ws';
import WebSocket from 'ws';

/** The arguments of a list that make it another list. Pages of one list are merged in the cache. */
const LIST = ['organizationId', 'filter', 'search', 'orderBy', 'deleted'];
const pages = { clients: relayStylePagination(LIST), customers: relayStylePagination(LIST) };

export function createClient(url, token) {
  const headers = { Authorization: `Bearer ${token}` };
  const http = new HttpLink({ uri: url, headers: { ...headers, Accept: 'application/graphql-response+json' } });
  const socket = createSocket({
    url: url.replace(/^http/, 'ws'),
    connectionParams: headers,
    shouldRetry: () => true,
    webSocketImpl: WebSocket,
  });
  const link = ApolloLink.split(
    ({ operationType }) => operationType === OperationTypeNode.SUBSCRIPTION,
    new GraphQLWsLink(socket),
    http,
  );
  const cache = new InMemoryCache({ typePolicies: { Query: { fields: pages }, Organization: { fields: pages } } });
  return { client: new ApolloClient({ link, cache }), close: () => socket.dispose() };
}
