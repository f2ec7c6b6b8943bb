export const settings = JSON.parse(document.getElementById('graphiql-settings').textContent);

/** The token field of the page, for all tabs. Its value is kept nowhere else, so it ends with the page. */
export const tokenField = document.getElementById('token');
tokenField.value = settings.token;
tokenField.addEventListener('input', () => {
  document.querySelector('.help').open = !tokenField.value;
});

/** The options of a request, with the token. GraphiQL sends their headers over HTTP and in connection_init. */
export function withToken(options) {
  const token = tokenField.value.trim();
  return { ...options, headers: { ...options?.headers, ...(token && { Authorization: `Bearer ${token}` }) } };
}

/** The address of the WebSocket. */
export function socketAddress() {
  const address = new URL(settings.endpoint, location.href);
  address.protocol = address.protocol.replace('http', 'ws');
  return address.href;
}

const HEADERS = /headers$/i;
const SECRETS = /(?:sk|ek)_(?:live|sandbox)_[a-z0-9]+|(?<=password\\*"?\s*:\s*\\*")[^"\\]+/gi;

/** A text without tokens and passwords: the current token, all texts in the form of a token, and values of `…password`. */
function withoutSecrets(text) {
  const token = tokenField.value.trim();
  return (token ? text.replaceAll(token, '') : text).replace(SECRETS, '');
}

/** The text of stored JSON without headers, because headers may hold a token. */
function withoutHeaders(text) {
  try {
    return JSON.stringify(JSON.parse(text, (name, value) => (HEADERS.test(name) ? undefined : value)));
  } catch {
    return text;
  }
}

/** A storage that holds drafts and the history, and never headers, tokens and passwords. It removes those that are stored already. */
export function withoutStoredSecrets(storage) {
  const clean = (text) => withoutSecrets(withoutHeaders(text));
  for (const name of Object.keys(localStorage)) {
    if (!name.includes(':graphiql:')) continue;
    if (HEADERS.test(name)) localStorage.removeItem(name);
    else localStorage.setItem(name, clean(localStorage.getItem(name)));
  }
  return {
    getItem: (name) => storage.getItem(name),
    setItem: (name, value) => (HEADERS.test(name) ? undefined : storage.setItem(name, clean(value))),
    removeItem: (name) => storage.removeItem(name),
    clear: () => storage.clear(),
    get length() {
      return storage.length;
    },
  };
}
