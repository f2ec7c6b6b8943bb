// The tour through both REST APIs with clients whose types openapi-typescript makes of the OpenAPI documents.

import assert from "node:assert/strict";
import createClient from "openapi-fetch";
import type { components as CustomersComponents, paths as CustomersPaths } from "./customers.js";
import type { components as V1Components, paths as V1Paths } from "./v1.js";

const baseUrl = process.env.CLIENTELE_URL ?? "";
const token = process.env.CLIENTELE_TOKEN ?? "";
const NO_ID = "0".repeat(24);

async function tourV1(): Promise<void> {
  const client = createClient<V1Paths>({ baseUrl, headers: { Authorization: token } });
  const account = await client.GET("/v1/accounts/authorized");
  assert.ok(account.data?.id);
  const organizations = await client.GET("/v1/accounts/{id}/organizations", { params: { path: { id: account.data.id } } });
  const organization = organizations.data?.[0]?.id;
  assert.ok(organization);
  const inOrganization = { path: { id: organization } };

  const body: V1Components["schemas"]["NewClient"] = { name: "Ana Novak", city: "Bled", type: "customer", custom: { level: 3 } };
  const made = await client.POST("/v1/organizations/{id}/clients", {
    params: { ...inOrganization, header: { "Idempotency-Key": `tour-${Date.now()}` } },
    body,
  });
  assert.ok(made.data && !Array.isArray(made.data));
  assert.equal(made.data.name, "Ana Novak");
  const path = { id: made.data.id };
  const tag = made.response.headers.get("etag") ?? "";

  const read = await client.GET("/v1/clients/{id}", { params: { path } });
  assert.equal(read.data?.city, "Bled");
  const unchanged = await client.GET("/v1/clients/{id}", { params: { path, header: { "If-None-Match": tag } } });
  assert.equal(unchanged.response.status, 304);

  const filter: V1Components["schemas"]["ClientFilter"] = {
    where: { city: { like: "Ble%" }, type: { inq: ["customer", "both"] } },
    order: ["name ASC"],
    limit: 5,
  };
  const found = await client.GET("/v1/organizations/{id}/clients", {
    params: { ...inOrganization, query: { filter: JSON.stringify(filter) } },
  });
  assert.ok(found.data?.some((each) => each.id === path.id));
  assert.ok(Number(found.response.headers.get("x-total-count")) >= 1);
  const where: V1Components["schemas"]["ClientWhere"] = { and: [{ id: path.id }] };
  const counted = await client.GET("/v1/organizations/{id}/clients/count", {
    params: { ...inOrganization, query: { where: JSON.stringify(where) } },
  });
  assert.equal(counted.data?.count, 1);

  const changed = await client.PATCH("/v1/clients/{id}", {
    params: { path, header: { "If-Match": tag } },
    body: { note: "changed" },
  });
  assert.equal(changed.data?.note, "changed");
  const stale = await client.PATCH("/v1/clients/{id}", { params: { path, header: { "If-Match": tag } }, body: { note: "late" } });
  assert.equal(stale.response.status, 412);
  assert.ok(typeof stale.error === "object");
  assert.equal(stale.error.error.statusCode, 412);
  const replaced = await client.PUT("/v1/clients/{id}", { params: { path }, body: { name: "Ana Kovač" } });
  assert.equal(replaced.data?.city, null);
  const searched = await client.GET("/v1/organizations/{id}/clients/search", {
    params: { ...inOrganization, query: { term: "kovač", type: "customer" } },
  });
  assert.equal(searched.response.status, 200);

  const invalid = await client.PATCH("/v1/clients/{id}", { params: { path }, body: { name: "" } });
  assert.equal(invalid.response.status, 422);
  assert.ok(typeof invalid.error === "object");
  assert.equal(invalid.error.error.name, "ValidationError");

  const deleted = await client.DELETE("/v1/clients/{id}", { params: { path } });
  assert.deepEqual(deleted.data, { count: 1 });
  const gone = await client.GET("/v1/clients/{id}", { params: { path } });
  assert.ok(typeof gone.error === "object");
  assert.equal(gone.error.error.code, "MODEL_NOT_FOUND");
  const strange = createClient<V1Paths>({ baseUrl, headers: { Authorization: "unknown" } });
  assert.equal((await strange.GET("/v1/clients/{id}", { params: { path } })).response.status, 401);
}

async function tourCustomers(): Promise<void> {
  const client = createClient<CustomersPaths>({ baseUrl, headers: { Authorization: `Bearer ${token}` } });
  const entities = await client.GET("/entities", { params: { query: { limit: 1 } } });
  const entity = entities.data?.data[0]?.id;
  assert.ok(entity);
  const header = { "x-entity-id": entity };

  const body: CustomersComponents["schemas"]["NewCustomer"] = { name: "Minimal Customer", metadata: { order_id: "A-7" } };
  const made = await client.POST("/customers", { params: { header }, body });
  assert.equal(made.response.status, 201);
  assert.ok(made.data);
  const path = { id: made.data.id };
  assert.deepEqual(made.data.metadata, { order_id: "A-7" });
  assert.equal((await client.GET("/customers/{id}", { params: { path } })).data?.name, "Minimal Customer");

  const query: CustomersComponents["schemas"]["CustomerQuery"] = { id: path.id, name: { startsWith: "minimal" } };
  const listed = await client.GET("/customers", {
    params: { header, query: { query: JSON.stringify(query), order_by: "-created_at", limit: 2, include_total_count: true } },
  });
  assert.equal(listed.data?.pagination.total, 1);
  assert.equal(listed.data.data[0]?.id, path.id);
  const first = await client.GET("/customers", { params: { header, query: { limit: 1 } } });
  const cursor = first.data?.pagination.next_cursor;
  assert.ok(cursor);
  const second = await client.GET("/customers", { params: { header, query: { limit: 1, next_cursor: cursor } } });
  assert.notEqual(second.data?.data[0]?.id, first.data?.data[0]?.id);

  const changed = await client.PATCH("/customers/{id}", { params: { path }, body: { city: "Bled", metadata: { order_id: null } } });
  assert.equal(changed.data?.city, "Bled");
  assert.deepEqual(changed.data.metadata, {});
  const invalid = await client.PATCH("/customers/{id}", { params: { path }, body: { country_code: "Slovenia" } });
  assert.ok(typeof invalid.error === "object");
  assert.equal(invalid.error.code, "validation_error");
  assert.ok(invalid.error.cause?.country_code);
  const wrong = await client.GET("/customers", { params: { query: { query: '{"colour": 1}' } } });
  assert.equal(wrong.response.status, 400);

  assert.ok((await client.DELETE("/customers/{id}", { params: { path } })).data?.deleted_at);
  assert.equal((await client.GET("/customers/{id}", { params: { path } })).response.status, 404);
  assert.equal((await client.POST("/customers/{id}/restore", { params: { path } })).data?.deleted_at, null);
  assert.equal((await client.DELETE("/customers/{id}/permanent", { params: { path } })).response.status, 200);
  const gone = await client.GET("/customers/{id}", { params: { path: { id: `cust_${NO_ID}` } } });
  assert.ok(typeof gone.error === "object");
  assert.equal(gone.error.code, "not_found");
}

await tourV1();
await tourCustomers();
console.log("openapi-typescript and openapi-fetch: both tours succeeded");
