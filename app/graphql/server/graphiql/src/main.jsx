import '../policy.js';
import { settings, socketAddress, tokenField, withoutStoredSecrets, withToken } from '../session.js';
import { createGraphiQLFetcher, createLocalStorage } from '@graphiql/toolkit';
import { explorerPlugin } from '@graphiql/plugin-explorer';
import { HISTORY_PLUGIN } from '@graphiql/plugin-history';
import { GraphiQL } from 'graphiql';
import { Kind, parse } from 'graphql';
import 'graphiql/setup-workers/vite';
import { useEffect, useMemo, useState } from 'react';
import { createRoot } from 'react-dom/client';
import '@graphiql/react/font/fira-code.css';
import '@graphiql/react/style.css';
import '@graphiql/plugin-doc-explorer/style.css';
import '@graphiql/plugin-explorer/style.css';
import '@graphiql/plugin-history/style.css';
import 'graphiql/graphiql.css';
import './page.css';

const TYPING = 500;
const storage = withoutStoredSecrets(createLocalStorage({ namespace: settings.service }));
// GraphiQL shows the variables of the first tab only if they are passed separately from the tabs.
const firstVariables = storage.getItem('graphiql:tabState') ? undefined : settings.tabs[0].variables;
const plugins = settings.introspection ? [HISTORY_PLUGIN, explorerPlugin()] : [HISTORY_PLUGIN];

const sendRequest = createGraphiQLFetcher({
  url: settings.endpoint,
  subscriptionUrl: socketAddress(),
  enableIncrementalDelivery: false,
});

/** A request with the document and the operation of its text. In a tab that was just shown, GraphiQL still has those of the tab before. */
function readOperation(request, options) {
  try {
    const documentAST = parse(request.query);
    const names = documentAST.definitions.filter(({ kind }) => kind === Kind.OPERATION_DEFINITION).map(({ name }) => name?.value);
    const operationName = names.includes(request.operationName) ? request.operationName : names[0];
    return [{ ...request, operationName }, { ...options, documentAST }];
  } catch {
    return [request, options];
  }
}

/** The token, once its field has not changed for a moment. */
function useSettledToken() {
  const [token, setToken] = useState(tokenField.value);
  useEffect(() => {
    let timer;
    const wait = () => {
      clearTimeout(timer);
      timer = setTimeout(() => setToken(tokenField.value), TYPING);
    };
    tokenField.addEventListener('input', wait);
    return () => tokenField.removeEventListener('input', wait);
  }, []);
  return token;
}

/** GraphiQL loads the schema when there is a token, and again with each new token, because it gets a new fetcher then. */
function Page() {
  const token = useSettledToken();
  const fetcher = useMemo(() => (request, options) => sendRequest(...readOperation(request, withToken(options))), [token]);
  return (
    <GraphiQL
      fetcher={fetcher}
      schema={settings.introspection && token ? undefined : null}
      plugins={plugins}
      storage={storage}
      defaultTabs={settings.tabs}
      defaultQuery=""
      initialVariables={firstVariables}
      defaultEditorToolsVisibility="variables"
      isHeadersEditorEnabled={false}
      shouldPersistHeaders={false}
      inputValueDeprecation
      schemaDescription
    >
      <GraphiQL.Logo>
        <span className="service-name">{settings.service}</span>
      </GraphiQL.Logo>
    </GraphiQL>
  );
}

createRoot(document.getElementById('graphiql')).render(<Page />);
