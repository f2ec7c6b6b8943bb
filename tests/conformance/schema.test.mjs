/** schema.graphql keeps its promises: no breaking change since the last release. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const require = createRequire(import.meta.url);
const { buildSchema } = require('graphql');
const { CriticalityLevel, diff } = require('@graphql-inspector/core');

const read = (path) => readFileSync(fileURLToPath(new URL(path, import.meta.url)), 'utf8');
const SCHEMA = read('../../schema.graphql');
const RELEASED = read('./released.graphql');

/** Breaking changes made on purpose since the last release: the inspector's path, and why. Emptied on release. */
const ON_PURPOSE = {};

/** The newest version in a changelog in the form of Keep a Changelog; null when nothing has been released. */
function lastRelease(changelog) {
  return /^## \[(\d+\.\d+\.\d+)\]/m.exec(changelog)?.[1] ?? null;
}

/** The version of the package in pyproject.toml. */
function packageVersion(project) {
  return /^version = "(\d+\.\d+\.\d+)"$/m.exec(project)[1];
}

/** The schema of a release, which names its version in the first line: `# 1.2.3`. */
function releasedVersion(text) {
  return /^# (\d+\.\d+\.\d+)\n/.exec(text)?.[1] ?? null;
}

async function breakingChanges(before, now) {
  const changes = await diff(buildSchema(before), buildSchema(now));
  return changes.filter(({ criticality }) => criticality.level === CriticalityLevel.Breaking);
}

test('the schema of the last release is kept, and before the first release that of the version in preparation', () => {
  const version = lastRelease(read('../../CHANGELOG.md')) ?? packageVersion(read('../../pyproject.toml'));
  assert.equal(releasedVersion(RELEASED), version, 'on release: scripts/keep-schema');
});

test('nothing has been broken since the last release', async () => {
  const broken = await breakingChanges(RELEASED, SCHEMA);
  const paths = broken.map(({ path, message }) => [path, message]).filter(([path]) => !(path in ON_PURPOSE));
  assert.deepEqual(paths, []);
});

const TAMPERED = {
  'a field is gone': [/^  totalCount: Int!$/m, '  total: Int!'],
  'a field has become nullable': [/^  name: String!$/m, '  name: String'],
  'an argument is required': [/^    filter: ClientFilter$/m, '    filter: ClientFilter!'],
  'an input field is required': [/^(input UpdateClientInput \{[^}]*?\n  name: String)$/m, '$1!'],
  'an enum value is gone': [/^  STALE_VERSION$/m, '  STALE'],
  'a type has another interface': [/^type Account implements Node/m, 'type Account'],
};

for (const [what, [pattern, instead]] of Object.entries(TAMPERED)) {
  test(`a change is seen as breaking when ${what}`, async () => {
    const changed = tamper(SCHEMA, pattern, instead);
    assert.ok((await breakingChanges(SCHEMA, changed)).length > 0);
  });
}

test('what is added breaks nothing', async () => {
  const more = tamper(SCHEMA, /^type Viewer \{$/m, 'type Viewer {\n  """New."""\n  colour: String\n');
  assert.deepEqual(await breakingChanges(SCHEMA, more), []);
  assert.ok((await diff(buildSchema(SCHEMA), buildSchema(more))).length > 0);
});

test('a release is read from the changelog and from the kept schema', () => {
  assert.equal(lastRelease('# Changelog\n\n## [Unreleased]\n'), null);
  assert.equal(lastRelease('## [Unreleased]\n\n## [1.10.0] - 2027-01-01\n\n## [1.9.0] - 2026-12-01\n'), '1.10.0');
  assert.equal(releasedVersion('# 1.10.0\ntype Query {'), '1.10.0');
  assert.equal(releasedVersion('type Query {'), null);
});

function tamper(text, pattern, instead) {
  assert.match(text, pattern);
  return text.replace(pattern, instead);
}
