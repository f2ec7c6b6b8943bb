/** ESLint for schema.graphql: the recommended rules of @graphql-eslint for schemas, and those for Relay. */
import { fileURLToPath } from 'node:url';

import graphql from '@graphql-eslint/eslint-plugin';

export const SCHEMA = fileURLToPath(new URL('../../schema.graphql', import.meta.url));

/** Rules that are off, each with its reason. */
export const TURNED_OFF = {
  '@graphql-eslint/no-typename-prefix':
    '`clientId`, `customerId` and `organizationId` are the bare ids, under the names that callers know from the REST APIs; `id` is the global id.',
};

/** Options of rules that are on. */
const OPTIONS = {
  // Only records have an id. These types are parts of a page, of a result or of a record.
  '@graphql-eslint/strict-id-in-types': {
    exceptions: {
      suffixes: ['Connection', 'Edge', 'Payload', 'Result', 'Duplicate'],
      types: ['Actor', 'BankAccount', 'ClientDataItem', 'FieldChange', 'PageInfo', 'UjpReceiver', 'UserError', 'Viewer', 'ViesCheck'],
    },
  },
  // Short lists without pages, such as `userErrors`, have no edges. `nodes` of a connection is a list of records.
  '@graphql-eslint/relay-edge-types': { withEdgeSuffix: true, shouldImplementNode: true, listTypeCanWrapOnlyEdgeType: false },
};

const { configs, parser } = graphql;
export const RULES = { ...configs['flat/schema-recommended'].rules, ...configs['flat/schema-relay'].rules };

export default [
  {
    files: ['**/*.graphql'],
    languageOptions: { parser, parserOptions: { graphQLConfig: { schema: SCHEMA } } },
    plugins: { '@graphql-eslint': graphql },
    rules: {
      ...RULES,
      ...Object.fromEntries(Object.entries(OPTIONS).map(([rule, options]) => [rule, ['error', options]])),
      ...Object.fromEntries(Object.keys(TURNED_OFF).map((rule) => [rule, 'off'])),
    },
  },
];
