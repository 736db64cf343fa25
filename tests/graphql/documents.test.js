// Every document that Pelorus sends to GitHub is valid against the schema that GitHub publishes.
// The documents are written by Pelorus' own tests (`documents_are_those_that_the_schema_check_reads`), never by hand.
import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { buildSchema, parse, validate } from 'graphql';

const require = createRequire(import.meta.url);
const published = join(dirname(require.resolve('@octokit/graphql-schema')), 'schema.graphql');
const schema = buildSchema(readFileSync(published, 'utf8'));
const folder = join(dirname(fileURLToPath(import.meta.url)), 'documents');
const names = readdirSync(folder).filter((name) => name.endsWith('.graphql'));

test('there are documents', () => assert.ok(names.length > 0));

for (const name of names) {
  test(`${name} is valid`, () => {
    const faults = validate(schema, parse(readFileSync(join(folder, name), 'utf8')));
    assert.deepEqual(faults.map((fault) => fault.message), []);
  });
}

test('a field that is not in the schema is found', () => {
  assert.equal(validate(schema, parse('{ viewer { shoeSize } }')).length, 1);
});
