import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import test from 'node:test';
import { configurationPage } from '../../../src/config/document.ts';
import { ConfigSchema } from '../../../src/config/schema.ts';
import { leaves, type SchemaNode } from '../../../src/config/schema-walk.ts';

test('docs/configuration.md is what the schema says (npm run docs:config writes it)', () => {
  const page = readFileSync(new URL('../../../docs/configuration.md', import.meta.url), 'utf8');
  assert.equal(page, configurationPage());
});

test('every key and every key of a list entry is described', () => {
  const keys = [...leaves(ConfigSchema as unknown as SchemaNode)];
  assert(keys.length > 50, `only ${keys.length} keys were found`);
  for (const [path, node] of keys) {
    assert(
      node.description !== undefined && node.description.length > 10,
      `${path.join('.')} is not described`,
    );
    for (const [inner, entry] of node.items === undefined ? [] : leaves(node.items)) {
      assert(entry.description !== undefined, `${path.join('.')}[].${inner.join('.')} is not described`);
    }
  }
});
