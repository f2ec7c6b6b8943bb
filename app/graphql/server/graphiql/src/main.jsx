import { createGraphiQLFetcher, createLocalStorage } from '@graphiql/toolkit';
import { useGraphiQL, useGraphiQLActions } from '@graphiql/react';
import { GraphiQL } from 'graphiql';
import 'graphiql/setup-workers/vite';
import { useEffect } from 'react';
import { createRoot } from 'react-dom/client';
import '@graphiql/react/font/fira-code.css';
import '@graphiql/react/style.css';
import '@graphiql/plugin-doc-explorer/style.css';
import '@graphiql/plugin-history/style.css';
import 'graphiql/graphiql.css';
import './page.css';
import { settings, tokenField, withoutStoredHeaders, withToken } from '../session.js';

const socket = new URL(settings.subscriptions, location.href);
socket.protocol = socket.protocol.replace('http', 'ws');
const storage = withoutStoredHeaders(createLocalStorage({ namespace: settings.service }));
// GraphiQL shows the variables of the first tab only if they are passed separately from the tabs.
const firstVariables = storage.getItem('graphiql:tabState') ? undefined : settings.tabs[0].variables;

const sendRequest = createGraphiQLFetcher({
  url: settings.endpoint,
  subscriptionUrl: socket.href,
  enableIncrementalDelivery: false,
});

function fetcher(request, options) {
  return sendRequest(request, withToken(options));
}

/** Loads the schema and its documentation when a token is typed into the empty token field. */
function SchemaOnceAuthorized() {
  const { introspect } = useGraphiQLActions();
  const schema = useGraphiQL((state) => state.schema);
  useEffect(() => {
    if (schema) return undefined;
    let timer;
    const wait = () => {
      clearTimeout(timer);
      timer = setTimeout(introspect, 500);
    };
    tokenField.addEventListener('input', wait);
    return () => {
      clearTimeout(timer);
      tokenField.removeEventListener('input', wait);
    };
  }, [introspect, schema]);
  return null;
}

function Page() {
  return (
    <GraphiQL
      fetcher={fetcher}
      storage={storage}
      defaultTabs={settings.tabs}
      defaultQuery=""
      initialVariables={firstVariables}
      defaultEditorToolsVisibility="variables"
      isHeadersEditorEnabled={false}
      inputValueDeprecation
      schemaDescription
    >
      <GraphiQL.Logo>
        <span className="service-name">{settings.service}</span>
        <SchemaOnceAuthorized />
      </GraphiQL.Logo>
    </GraphiQL>
  );
}

createRoot(document.getElementById('graphiql')).render(<Page />);
