/** Reads pages, creates, changes and deletes a record, and handles an error of each kind, with each of the REST APIs. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';

import { ApiError, createService } from './client.js';

const { send, listCustomers, listClients } = createService(process.env.SERVICE_URL, process.env.SERVICE_TOKEN);

/** The first rows of a list. */
async function take(count, rows) {
  const taken = [];
  for await (const row of rows) {
    taken.push(row);
    if (taken.length === count) break;
  }
  return taken;
}

/** The error that a request must end with. */
async function failure(request) {
  const error = await request.then(() => assert.fail('the request must fail'), (reason) => reason);
  assert.ok(error instanceof ApiError, String(error));
  return error;
}

async function useCustomers() {
  const customers = await take(10, listCustomers({ limit: 5, order_by: 'name' }));
  assert.equal(new Set(customers.map(({ id }) => id)).size, 10);
  const slovenia = await take(3, listCustomers({ query: JSON.stringify({ country: { startsWith: 'slo' } }) }));
  assert.ok(slovenia.every(({ country }) => /^slo/i.test(country)));
  console.log('Two pages have no row in common.');

  const invalid = await failure(send('POST', '/customers', { body: { name: '', contact_type: 'friend' } }));
  assert.deepEqual([invalid.status, invalid.code, Object.keys(invalid.fields).sort()], [422, 'validation_error', ['contact_type', 'name']]);

  // A request that is sent again with its key is done once.
  const request = { body: { name: 'JavaScript Ltd', city: 'Celje' }, headers: { 'Idempotency-Key': randomUUID() } };
  const created = await send('POST', '/customers', request);
  assert.deepEqual((await send('POST', '/customers', request)).body, created.body);

  // A stale change is an error: read the record again, and decide what to write.
  const path = `/customers/${created.body.id}`;
  const headers = { 'If-Match': created.etag };
  assert.equal((await send('PATCH', path, { body: { city: 'Koper' }, headers })).body.city, 'Koper');
  const stale = await failure(send('PATCH', path, { body: { city: 'Kranj' }, headers }));
  assert.deepEqual([stale.status, stale.code], [412, 'precondition_failed']);
  console.log('A customer was created once and changed once.');

  await send('DELETE', path);
  assert.equal((await send('POST', `${path}/restore`)).body.deleted_at, null);
  await send('DELETE', `${path}/permanent`);
  console.log('A customer was deleted, restored, and deleted for good.');
}

async function useV1() {
  const { body: account } = await send('GET', '/v1/accounts/authorized');
  const { body: organizations } = await send('GET', `/v1/accounts/${account.id}/organizations`);
  const [{ id: organization }] = organizations;
  const clients = await take(10, listClients(organization, { country: { neq: null } }, 5));
  assert.equal(new Set(clients.map(({ id }) => id)).size, 10);
  console.log('Two pages have no row in common.');

  const list = `/v1/organizations/${organization}/clients`;
  const invalid = await failure(send('POST', list, { body: { name: '' } }));
  assert.deepEqual([invalid.status, invalid.code, invalid.fields], [422, 'ValidationError', { name: ["can't be blank"] }]);

  const request = { body: { name: 'JavaScript v1 Ltd', city: 'Celje' }, headers: { 'Idempotency-Key': randomUUID() } };
  const created = await send('POST', list, request);
  assert.deepEqual((await send('POST', list, request)).body, created.body);

  const path = `/v1/clients/${created.body.id}`;
  const headers = { 'If-Match': created.etag };
  assert.equal((await send('PATCH', path, { body: { city: 'Koper' }, headers })).body.city, 'Koper');
  assert.equal((await failure(send('PATCH', path, { body: { city: 'Kranj' }, headers }))).status, 412);
  assert.deepEqual((await send('DELETE', path)).body, { count: 1 });
  console.log('A client was created once, changed once, and deleted.');
}

await useCustomers();
await useV1();
