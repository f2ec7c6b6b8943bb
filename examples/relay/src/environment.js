/** A Relay environment for Clientele. Copy this file; a browser needs no `webSocketImpl`. */
import { createClient as createSocket } from 'graphql-ws';
import { Environment, Network, Observable, RecordSource, Store } from 'relay-runtime';
import WebSocket from 'ws';

export function createEnvironment(url, token) {
  const headers = { Authorization: `Bearer ${token}` };
  const socket = createSocket({
    url: url.replace(/^http/, 'ws'),
    connectionParams: headers,
    shouldRetry: () => true,
    webSocketImpl: WebSocket,
  });

  async function fetchOperation({ text, id }, variables) {
    const response = await fetch(url, {
      method: 'POST',
      headers: { ...headers, 'Content-Type': 'application/json', Accept: 'application/graphql-response+json' },
      body: JSON.stringify(text ? { query: text, variables } : { documentId: id, variables }),
    });
    return response.json();
  }

  function subscribe({ text, name }, variables) {
    return Observable.create((sink) => socket.subscribe({ query: text, operationName: name, variables }, sink));
  }

  const network = Network.create(fetchOperation, subscribe);
  const environment = new Environment({ network, store: new Store(new RecordSource()) });
  return { environment, close: () => socket.dispose() };
}
