export const settings = JSON.parse(document.getElementById('graphiql-settings').textContent);

/** The token field of the page, for all tabs. Its value is kept nowhere else, so it ends with the page. */
export const tokenField = document.getElementById('token');
tokenField.value = settings.token;

/** The options of a request, with the token. GraphiQL sends their headers over HTTP and in connection_init. */
export function withToken(options) {
  const token = tokenField.value.trim();
  return { ...options, headers: { ...options?.headers, ...(token && { Authorization: `Bearer ${token}` }) } };
}

const HEADERS = /headers$/i;

/** The text of stored JSON without headers, because headers may hold a token. */
function withoutHeaders(text) {
  try {
    return JSON.stringify(JSON.parse(text, (name, value) => (HEADERS.test(name) ? undefined : value)));
  } catch {
    return text;
  }
}

/** A storage that holds drafts and the history, and never headers. Earlier versions of the page stored headers, so it removes them. */
export function withoutStoredHeaders(storage) {
  for (const name of Object.keys(localStorage)) {
    if (!name.includes(':graphiql:')) continue;
    if (HEADERS.test(name)) localStorage.removeItem(name);
    else localStorage.setItem(name, withoutHeaders(localStorage.getItem(name)));
  }
  return {
    getItem: (name) => storage.getItem(name),
    setItem: (name, value) => (HEADERS.test(name) ? undefined : storage.setItem(name, withoutHeaders(value))),
    removeItem: (name) => storage.removeItem(name),
    clear: () => storage.clear(),
    get length() {
      return storage.length;
    },
  };
}
