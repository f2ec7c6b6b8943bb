/** schema.graphql passes graphql-schema-linter and @graphql-eslint, but for the rules that are off with a reason. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { ESLint } from 'eslint';

import { RULES, SCHEMA, TURNED_OFF as ESLINT_OFF } from './eslint.config.mjs';

const LINTER = createRequire(import.meta.url).resolve('graphql-schema-linter/lib/cli.js');
const CONFIG = fileURLToPath(new URL('./eslint.config.mjs', import.meta.url));
const TEXT = readFileSync(SCHEMA, 'utf8');

/** Rules of graphql-schema-linter that are off, each with its reason. */
const LINTER_OFF = {
  'type-fields-sorted-alphabetically': 'Fields stand in the order in which people read a record: who it is, then the rest.',
  'input-object-fields-sorted-alphabetically': 'Inputs stand in the order of the types that they write or ask about.',
  'enum-values-sorted-alphabetically': 'Order fields stand in the order of the type; ASC and the safer policy come first.',
};

/** The findings of graphql-schema-linter with all of its rules: [rule, message] of each. */
function runLinter(schema) {
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

/** The findings of ESLint in schema.graphql: [rule, message] of each. `rules` are added to the configuration. */
async function runESLint(rules = {}) {
  const cwd = dirname(SCHEMA);
  const eslint = new ESLint({ cwd, overrideConfigFile: CONFIG, overrideConfig: [{ files: ['**/*.graphql'], rules }] });
  const [{ messages }] = await eslint.lintFiles([SCHEMA]);
  return messages.map(({ ruleId, line, message }) => [ruleId, `line ${line}: ${message}`]);
}

/** Fails for a finding of a rule that is on, and for a rule that is off and would find nothing. */
function compare(findings, turnedOff) {
  assert.deepEqual(findings.filter(([rule]) => !(rule in turnedOff)), []);
  for (const rule of Object.keys(turnedOff)) {
    assert.ok(findings.some(([found]) => found === rule), `${rule} finds nothing: turn it on`);
  }
}

test('graphql-schema-linter finds nothing but what is off', () => {
  compare(runLinter(TEXT), LINTER_OFF);
});

test('graphql-schema-linter finds mistakes', () => {
  const wrong = TEXT.replace(/^type Viewer \{$/m, 'type Viewer {\n  Shouting_Field: String\n');
  assert.notEqual(wrong, TEXT);
  const rules = new Set(runLinter(wrong).map(([rule]) => rule));
  for (const rule of ['fields-have-descriptions', 'fields-are-camel-cased']) assert.ok(rules.has(rule), rule);
});

test('the recommended and the Relay rules of @graphql-eslint find nothing but what is off', async () => {
  assert.ok(Object.keys(RULES).length > 20);
  assert.deepEqual(await runESLint(), []);
  compare(await runESLint(Object.fromEntries(Object.keys(ESLINT_OFF).map((rule) => [rule, RULES[rule]]))), ESLINT_OFF);
});

test('@graphql-eslint finds mistakes', async () => {
  const rule = '@graphql-eslint/alphabetize';
  const found = await runESLint({ [rule]: ['error', { values: true }] });
  assert.ok(found.some(([name]) => name === rule));
});
