/** A client of both REST APIs, to copy: it authenticates, waits and repeats when it must, and throws ApiError for every error. */

const ATTEMPTS = 5;
/** The statuses after which a request is worth another attempt. */
const PASSING = new Set([429, 500, 502, 503, 504]);

/** An error of either API. `code` is for programs; `fields` has the messages of each field of a body. */
export class ApiError extends Error {
  constructor(response, body) {
    const error = body.error ?? body;
    super(`${response.status}: ${error.message}`);
    this.status = response.status;
    this.code = error.code ?? error.name;
    this.requestId = response.headers.get('x-request-id');
    const cause = Object.entries(error.cause ?? {}).filter(([name]) => name !== '_errors');
    this.fields = error.details?.messages ?? Object.fromEntries(cause.map(([name, { _errors }]) => [name, _errors]));
  }
}

export function createService(address, token) {
  /**
   * Sends a request, and repeats it after passing errors. Returns the body and the ETag. A POST has a key, so a repeat does nothing twice.
   */
  async function send(method, path, { query = {}, body, headers = {} } = {}) {
    const url = `${address}${path}?${new URLSearchParams(query)}`;
    const request = {
      method,
      headers: {
        Authorization: `Bearer ${token}`,
        ...(body && { 'Content-Type': 'application/json' }),
        ...(method === 'POST' && { 'Idempotency-Key': crypto.randomUUID() }),
        ...headers,
      },
      body: body && JSON.stringify(body),
    };
    for (let attempt = 1; ; attempt += 1) {
      let pause = 2 ** attempt;
      try {
        const response = await fetch(url, { ...request, signal: AbortSignal.timeout(30_000) });
        if (response.ok) return { body: await response.json(), etag: response.headers.get('etag') };
        if (!PASSING.has(response.status) || attempt === ATTEMPTS) throw new ApiError(response, await response.json());
        pause = Number(response.headers.get('retry-after') ?? pause);
      } catch (error) {
        if (error instanceof ApiError || attempt === ATTEMPTS) throw error;
      }
      await new Promise((resolve) => { setTimeout(resolve, pause * 1000); });
    }
  }

  /** Every customer, page by page. `query` has the parameters of the list, such as `query` as JSON. */
  async function* listCustomers(query = {}) {
    for (let cursor; cursor !== null; ) {
      const { body } = await send('GET', '/customers', { query: { ...query, ...(cursor && { next_cursor: cursor }) } });
      yield* body.data;
      cursor = body.pagination.next_cursor;
    }
  }

  /** Every client that meets the conditions, page by page. Each page begins after the last id of the one before. */
  async function* listClients(organization, where = {}, limit = 100) {
    for (let last = ''; last !== null; ) {
      const filter = { where: last ? { and: [where, { id: { gt: last } }] } : where, order: 'id ASC', limit };
      const { body: rows } = await send('GET', `/v1/organizations/${organization}/clients`, { query: { filter: JSON.stringify(filter) } });
      yield* rows;
      last = rows.length === limit ? rows.at(-1).id : null;
    }
  }

  return { send, listCustomers, listClients };
}
