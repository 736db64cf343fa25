// Every document that Pelorus sends to GitHub is valid against the schema that GitHub publishes.
// The documents are written by Pelorus' own tests (`documents_are_those_that_the_schema_check_reads`), never by hand.
import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { buildASTSchema, parse, validate } from 'graphql';

// The package exports no path of its own: it stands where npm put it.
const published = new URL('node_modules/@octokit/graphql-schema/schema.graphql', import.meta.url);
// The published text defines two fields twice, which a strict reader refuses.
const schema = buildASTSchema(parse(readFileSync(published, 'utf8')), { assumeValidSDL: true });
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
