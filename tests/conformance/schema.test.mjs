/** schema.graphql keeps its promises: no breaking change since the last release, and clean for graphql-schema-linter. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const require = createRequire(import.meta.url);
const { buildSchema } = require('graphql');
const { CriticalityLevel, diff } = require('@graphql-inspector/core');
const LINTER = require.resolve('graphql-schema-linter/lib/cli.js');

const read = (path) => readFileSync(fileURLToPath(new URL(path, import.meta.url)), 'utf8');
const SCHEMA = read('../../schema.graphql');
const RELEASED = fileURLToPath(new URL('./released.graphql', import.meta.url));

/** Rules of graphql-schema-linter that do not hold here, each with its reason. */
const TURNED_OFF = {
  'type-fields-sorted-alphabetically': 'Fields stand in the order in which people read a record: who it is, then the rest.',
  'input-object-fields-sorted-alphabetically': 'Inputs stand in the order of the types that they write or ask about.',
  'enum-values-sorted-alphabetically': 'Order fields stand in the order of the type; ASC and the safer policy come first.',
};

/** Breaking changes made on purpose since the last release: the inspector's path, and why. Emptied on release. */
const ON_PURPOSE = {};

/** The newest version in a changelog in the form of Keep a Changelog; null when nothing has been released. */
function lastRelease(changelog) {
  return /^## \[(\d+\.\d+\.\d+)\]/m.exec(changelog)?.[1] ?? null;
}

/** The schema of a release, which names its version in the first line: `# 1.2.3`. */
function releasedVersion(text) {
  return /^# (\d+\.\d+\.\d+)\n/.exec(text)?.[1] ?? null;
}

async function breakingChanges(before, now) {
  const changes = await diff(buildSchema(before), buildSchema(now));
  return changes.filter(({ criticality }) => criticality.level === CriticalityLevel.Breaking);
}

/** What the linter finds in a schema, all rules on: [rule, message] of each finding. */
function lint(schema) {
  const folder = mkdtempSync(join(tmpdir(), 'clientele-lint-'));
  try {
    writeFileSync(join(folder, 'schema.graphql'), schema);
    const done = spawnSync(process.execPath, [LINTER, '--format', 'json', 'schema.graphql'], { cwd: folder, encoding: 'utf8' });
    assert.ok(done.status === 0 || done.status === 1, done.stderr);
    return JSON.parse(done.stdout).errors.map(({ rule, message }) => [rule, message]);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

test('the schema of the last release is kept, and none while there is none', () => {
  const version = lastRelease(read('../../CHANGELOG.md'));
  const kept = existsSync(RELEASED) ? readFileSync(RELEASED, 'utf8') : null;
  const how = 'on release: (echo "# <version>"; clientele schema) > tests/conformance/released.graphql';
  assert.equal(kept && releasedVersion(kept), version, how);
});

test('nothing has been broken since the last release', async () => {
  if (!existsSync(RELEASED)) return;
  const broken = await breakingChanges(readFileSync(RELEASED, 'utf8'), SCHEMA);
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

test('graphql-schema-linter finds nothing but what is turned off', () => {
  const found = lint(SCHEMA);
  assert.deepEqual(found.filter(([rule]) => !(rule in TURNED_OFF)), []);
  for (const rule of Object.keys(TURNED_OFF)) {
    assert.ok(found.some(([one]) => one === rule), `${rule} finds nothing any more: turn it on`);
  }
});

test('the linter finds what is wrong', () => {
  const wrong = tamper(SCHEMA, /^type Viewer \{$/m, 'type Viewer {\n  Shouting_Field: String\n');
  const rules = new Set(lint(wrong).map(([rule]) => rule));
  for (const rule of ['fields-have-descriptions', 'fields-are-camel-cased']) assert.ok(rules.has(rule), rule);
});

function tamper(text, pattern, instead) {
  assert.match(text, pattern);
  return text.replace(pattern, instead);
}
