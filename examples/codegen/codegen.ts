import type { CodegenConfig } from '@graphql-codegen/cli';

const { SERVICE_URL, SERVICE_TOKEN } = process.env;

const config: CodegenConfig = {
  emitLegacyCommonJSImports: false,
  schema: { [`${SERVICE_URL}/graphql`]: { headers: { Authorization: `Bearer ${SERVICE_TOKEN}` } } },
  documents: 'src/main.ts',
  generates: {
    'src/gql/': {
      preset: 'client',
      presetConfig: { fragmentMasking: false },
      config: {
        documentMode: 'string',
        enumsAsTypes: true,
        useTypeImports: true,
        strictScalars: true,
        scalars: { CountryCode: 'string', DateTime: 'string', EmailAddress: 'string', JSON: 'unknown' },
      },
    },
  },
};

export default config;
