import { createGraphiQLFetcher, createLocalStorage } from '@graphiql/toolkit';
import { useGraphiQL, useGraphiQLActions } from '@graphiql/react';
import { GraphiQL } from 'graphiql';
import 'graphiql/setup-workers/vite';
import { useEffect, useState } from 'react';
import { createRoot } from 'react-dom/client';
import '@graphiql/react/font/fira-code.css';
import '@graphiql/react/style.css';
import '@graphiql/plugin-doc-explorer/style.css';
import '@graphiql/plugin-history/style.css';
import 'graphiql/graphiql.css';
import './page.css';

const settings = JSON.parse(document.getElementById('graphiql-settings').textContent);
const socket = new URL(settings.subscriptions, location.href);
socket.protocol = socket.protocol.replace('http', 'ws');
const storage = createLocalStorage({ namespace: settings.service });
// GraphiQL shows the variables of the first tab only if they are passed separately from the tabs.
const firstVariables = storage.getItem('graphiql:tabState') ? undefined : settings.tabs[0].variables;

/** Sends the headers of the editor with each request, and in connection_init of each subscription. */
const sendRequest = createGraphiQLFetcher({
  url: settings.endpoint,
  subscriptionUrl: socket.href,
  enableIncrementalDelivery: false,
});

/** GraphiQL requests the schema before its header editor exists, so that request gets the headers of the page. */
function fetcher(request, options) {
  const early = request.operationName === 'IntrospectionQuery' && !options?.headers;
  return sendRequest(request, early ? { ...options, headers: JSON.parse(settings.headers) } : options);
}

/** Loads the schema and its documentation when a token is typed into an empty header editor. */
function SchemaOnceAuthorized({ headers }) {
  const { introspect } = useGraphiQLActions();
  const schema = useGraphiQL((state) => state.schema);
  useEffect(() => {
    if (schema || headers === undefined) return undefined;
    const timer = setTimeout(introspect, 500);
    return () => clearTimeout(timer);
  }, [headers, introspect, schema]);
  return null;
}

function Page() {
  const [headers, setHeaders] = useState();
  return (
    <GraphiQL
      fetcher={fetcher}
      storage={storage}
      defaultTabs={settings.tabs}
      defaultHeaders={settings.headers}
      defaultQuery=""
      initialVariables={firstVariables}
      defaultEditorToolsVisibility={settings.authorized ? 'variables' : 'headers'}
      inputValueDeprecation
      schemaDescription
      onEditHeaders={setHeaders}
    >
      <GraphiQL.Logo>
        <span className="service-name">{settings.service}</span>
        <SchemaOnceAuthorized headers={headers} />
      </GraphiQL.Logo>
    </GraphiQL>
  );
}

createRoot(document.getElementById('graphiql')).render(<Page />);
