const root = document.getElementById('graphiql');

/** Each request has its own lazy WebSocket client, so that connection_init carries the token of the moment. */
function fetchGraphQL(request, ownOptions) {
  const options = withToken(ownOptions);
  const fetcher = GraphiQL.createFetcher({
    url: settings.endpoint,
    wsClient: graphqlWs.createClient({ url: socketAddress(), connectionParams: options.headers }),
    enableIncrementalDelivery: false,
  });
  return fetcher(request, options);
}

function renderPage() {
  const name = React.createElement('span', { className: 'service-name' }, settings.service);
  const logo = React.createElement(GraphiQL.Logo, null, name);
  const storage = withoutStoredSecrets(GraphiQL.createLocalStorage({ namespace: `${settings.service}-fallback` }));
  const properties = {
    fetcher: fetchGraphQL,
    storage,
    schema: settings.introspection ? undefined : null,
    defaultTabs: settings.tabs,
    defaultQuery: '',
    initialVariables: storage.getItem('graphiql:tabState') ? undefined : settings.tabs[0].variables,
    defaultEditorToolsVisibility: 'variables',
    isHeadersEditorEnabled: false,
    shouldPersistHeaders: false,
    inputValueDeprecation: true,
    schemaDescription: true,
  };
  ReactDOM.createRoot(root).render(React.createElement(GraphiQL, properties, logo));
}

if (window.React && window.ReactDOM && window.GraphiQL && window.graphqlWs) {
  renderPage();
} else {
  root.textContent = 'GraphiQL could not be loaded: a file is missing or does not match its hash.';
}
