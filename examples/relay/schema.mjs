/** Writes schema.graphql, which Relay's compiler reads, from the introspection of the service. */
import { writeFileSync } from 'node:fs';

import { buildClientSchema, getIntrospectionQuery, printSchema } from 'graphql';

const { SERVICE_URL, SERVICE_TOKEN } = process.env;
const response = await fetch(`${SERVICE_URL}/graphql`, {
  method: 'POST',
  headers: { 'Content-Type': 'application/json', Authorization: `Bearer ${SERVICE_TOKEN}` },
  body: JSON.stringify({ query: getIntrospectionQuery() }),
});
const { data, errors } = await response.json();
if (errors) throw new Error(errors[0].message);
writeFileSync('schema.graphql', printSchema(buildClientSchema(data)));
