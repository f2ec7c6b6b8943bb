/** Relay's compiler takes fragments, refetch queries and mutations that update connections, written against schema.graphql. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';

const COMPILER = createRequire(import.meta.url).resolve('relay-compiler/cli.js');
const SCHEMA = fileURLToPath(new URL('../../schema.graphql', import.meta.url));
const SOURCES = fileURLToPath(new URL('./relay/', import.meta.url));

let folder;

before(() => {
  folder = mkdtempSync(join(tmpdir(), 'clientele-relay-'));
});

after(() => rmSync(folder, { recursive: true }));

/** Compiles a copy of the sources, changed by `change`; gives what the compiler said and wrote. */
function compile(name, change = (text) => text) {
  const root = join(folder, name);
  cpSync(SOURCES, join(root, 'src'), { recursive: true });
  cpSync(SCHEMA, join(root, 'schema.graphql'));
  for (const file of readdirSync(join(root, 'src'))) {
    const path = join(root, 'src', file);
    writeFileSync(path, change(readFileSync(path, 'utf8')));
  }
  const config = { src: 'src', schema: 'schema.graphql', language: 'javascript', eagerEsModules: true };
  writeFileSync(join(root, 'relay.config.json'), JSON.stringify(config));
  const done = spawnSync(process.execPath, [COMPILER, 'relay.config.json'], { cwd: root, encoding: 'utf8' });
  const written = done.status === 0 ? join(root, 'src', '__generated__') : null;
  return { status: done.status, said: done.stdout + done.stderr, written };
}

function read(written, artifact) {
  return readFileSync(join(written, `${artifact}.graphql.js`), 'utf8');
}

test('pagination, refetch queries and mutations compile', () => {
  const { status, said, written } = compile('whole');
  assert.equal(status, 0, said);
  for (const query of ['ClientListPaginationQuery', 'OrganizationPaginationQuery', 'ClientRowRefetchQuery']) {
    assert.ok(readdirSync(written).includes(`${query}.graphql.js`), query);
  }
  assert.match(read(written, 'ClientList_query'), /"forward": \{\s*"count": "count",\s*"cursor": "cursor"/);
  assert.match(read(written, 'ClientList_organization'), /"backward": \{/);
  assert.match(read(written, 'ClientRow_client'), /"identifierField": "id"/);
});

test('mutations update the connections of a list', () => {
  const { written } = compile('mutations');
  const handlers = {
    ClientChangesCreateMutation: 'prependEdge',
    ClientChangesCreateManyMutation: 'appendNode',
    ClientChangesDeleteMutation: 'deleteEdge',
    ClientChangesEraseMutation: 'deleteRecord',
    ClientChangesRestoreMutation: 'appendEdge',
  };
  for (const [mutation, handler] of Object.entries(handlers)) {
    assert.match(read(written, mutation), new RegExp(`"handle": "${handler}"`), mutation);
  }
});

test('what the schema does not have does not compile', () => {
  const { status, said } = compile('wrong', (text) => text.replace('deletedClientId', 'deletedClient'));
  assert.notEqual(status, 0);
  assert.match(said, /deletedClient/);
});
