/** urql with graphcache for Clientele. Copy this file; a browser needs no `webSocketImpl`. */
import { Client, fetchExchange, subscriptionExchange } from '@urql/core';
import { cacheExchange } from '@urql/exchange-graphcache';
import { relayPagination } from '@urql/exchange-graphcache/extras';
import { createClient as createSocket } from 'graphql-ws';
import WebSocket from 'ws';

/** Types without an id are parts of another object. */
const embedded = () => null;
const keys = {
  Actor: embedded,
  BankAccount: embedded,
  ClientDataItem: embedded,
  ClientDuplicate: embedded,
  CustomerDuplicate: embedded,
  FieldChange: embedded,
  PageInfo: embedded,
  UjpReceiver: embedded,
  ViesCheck: embedded,
  Viewer: embedded,
  ClientEdge: ({ cursor }) => cursor,
  CustomerEdge: ({ cursor }) => cursor,
};

/** After a mutation that adds or removes a record, the lists in the cache are read again. */
function forgetLists(_result, _variables, cache) {
  for (const { fieldName, arguments: values } of cache.inspectFields('Query')) {
    if (fieldName === 'clients' || fieldName === 'customers') cache.invalidate('Query', fieldName, values);
  }
}

const LISTED = ['create', 'upsert', 'delete', 'restore'].flatMap((verb) => [`${verb}Client`, `${verb}Customer`]);

const cache = cacheExchange({
  keys,
  resolvers: { Query: { clients: relayPagination(), customers: relayPagination() } },
  updates: { Mutation: Object.fromEntries(LISTED.map((mutation) => [mutation, forgetLists])) },
});

export function createClient(url, token) {
  const headers = { Authorization: `Bearer ${token}` };
  const socket = createSocket({
    url: url.replace(/^http/, 'ws'),
    connectionParams: headers,
    shouldRetry: () => true,
    webSocketImpl: WebSocket,
  });
  const subscriptions = subscriptionExchange({
    forwardSubscription: (request) => ({
      subscribe: (sink) => ({ unsubscribe: socket.subscribe({ ...request, query: request.query ?? '' }, sink) }),
    }),
  });
  const client = new Client({
    url,
    exchanges: [cache, fetchExchange, subscriptions],
    fetchOptions: { headers },
    preferGetMethod: false,
  });
  return { client, close: () => socket.dispose() };
}
