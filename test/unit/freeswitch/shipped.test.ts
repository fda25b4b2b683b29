/** The files under freeswitch/: readable, and of one mind with each other, the source and the page that explains them. */
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Value } from 'typebox/value';
import { FreeSwitchSection } from '../../../src/config/schema-freeswitch.ts';
import { REPLY_SUBCLASS, TEXT_SUBCLASS, WISH_SUBCLASS } from '../../../src/freeswitch/wish.ts';
import { readXml, type XmlElement } from '../../../src/xml/reader.ts';

const FOLDER = fileURLToPath(new URL('../../../freeswitch', import.meta.url));
const read = (file: string) => readFileSync(join(FOLDER, file), 'utf8');
const xmlFiles = globSync('**/*.xml', { cwd: FOLDER });
const scripts = globSync('scripts/*.lua', { cwd: FOLDER });
const readme = read('README.md');

function elements(element: XmlElement): XmlElement[] {
  return [element, ...element.children.flatMap(elements)];
}
const attribute = (element: XmlElement | undefined, name: string) =>
  element?.attributes.find(({ local }) => local === name)?.value;
const all = (file: string, name: string) =>
  elements(readXml(read(file))).filter(({ local }) => local === name);
const param = (file: string, name: string) =>
  attribute(
    all(file, 'param').find((element) => attribute(element, 'name') === name),
    'value',
  );

test('every XML file is well-formed', () => {
  assert.ok(xmlFiles.length >= 8);
  for (const file of xmlFiles) assert.doesNotThrow(() => readXml(read(file)), file);
});

test('every variable that is used is set in im-vars.xml, and every one there is used', () => {
  const set = [...read('im-vars.xml').matchAll(/data="(im_[a-z_]+)=/g)].map(([, name]) => name);
  const used = xmlFiles.flatMap((file) =>
    [...read(file).matchAll(/\$\$\{([^}]+)\}/g)].map(([, name]) => name),
  );
  assert.deepEqual(new Set(used), new Set(set));
  assert.match(
    readme,
    new RegExp(
      `Set its ${['', 'one', 'two', 'three', 'four', 'five', 'six', 'seven', 'eight', 'nine'][set.length]} values`,
    ),
  );
});

test('every script that is called is there, and every script is explained', () => {
  const names = scripts.map((file) => file.replace('scripts/', ''));
  const called = [...xmlFiles, ...scripts].flatMap((file) =>
    [...read(file).matchAll(/\b(im[a-z_]*\.lua)\b/g)].map(([, name = '']) => name),
  );
  for (const name of [
    ...called,
    ...[...readme.matchAll(/\b(im_[a-z_]*\.lua)\b/g)].map(([, name = '']) => name),
  ])
    assert.ok(names.includes(name), name);
  for (const name of names)
    if (name !== 'im.lua') assert.match(readme, new RegExp(`\`${name.replace('.', '\\.')}`), name);
});

test('scripts and source call the events alike, and the user of the event socket hears them', () => {
  const lua = read('scripts/im.lua');
  for (const subclass of [WISH_SUBCLASS, TEXT_SUBCLASS, REPLY_SUBCLASS])
    assert.ok(lua.includes(`"${subclass}"`), subclass);
  const events = param('directory/im.xml', 'esl-allowed-events')?.split(' ') ?? [];
  for (const name of ['TEXT', WISH_SUBCLASS, TEXT_SUBCLASS, 'conference::maintenance'])
    assert.ok(events.includes(name), name);
  const source = globSync('src/freeswitch/*.ts', { cwd: join(FOLDER, '..') })
    .map((file) => readFileSync(join(FOLDER, '..', file), 'utf8'))
    .join('');
  const commands = new Set([...source.matchAll(/[`'](uuid_[a-z_]+|conference) /g)].map(([, name]) => name));
  assert.deepEqual(commands, new Set(param('directory/im.xml', 'esl-allowed-api')?.split(' ')));
});

test('the lists that are applied are defined, and profile and identity variable are the defaults of the configuration', () => {
  const lists = all('autoload_configs/acl.conf.xml', 'list').map((element) => attribute(element, 'name'));
  assert.deepEqual(
    [
      param('sip_profiles/im.xml', 'apply-inbound-acl'),
      param('autoload_configs/event_socket.conf.xml', 'apply-inbound-acl'),
    ],
    ['im_kamailio', 'im_event_socket'],
  );
  for (const name of ['im_kamailio', 'im_event_socket']) assert.ok(lists.includes(name), name);
  for (const list of all('autoload_configs/acl.conf.xml', 'list'))
    assert.equal(attribute(list, 'default'), 'deny');
  const defaults = Value.Default(FreeSwitchSection, { nodes: [{}] }) as {
    readonly nodes: readonly { readonly profile: string }[];
    readonly identityVariable: string;
  };
  const profile = attribute(readXml(read('sip_profiles/im.xml')), 'name');
  assert.equal(profile, defaults.nodes[0]?.profile);
  assert.ok(read('scripts/im_identity.lua').includes(`"${defaults.identityVariable}"`));
});

test('what must not be reached from elsewhere listens on loopback', () => {
  for (const file of ['autoload_configs/event_socket.conf.xml', 'autoload_configs/msrp.conf.xml'])
    assert.equal(param(file, 'listen-ip'), '127.0.0.1', file);
  assert.match(read('autoload_configs/msrp.conf.xml'), /Byte-Range: 0-0\/0/);
});

test('no path through the chatplan ends without "final": mod_sofia would run what the sender names', () => {
  const contexts = all('chatplan/im.xml', 'context');
  assert.deepEqual(
    contexts.map((context) => attribute(context, 'name')),
    ['im', 'global'],
  );
  for (const context of contexts) {
    const last = context.children.at(-1);
    const [condition, ...others] = last?.children ?? [];
    assert.deepEqual([condition?.attributes.length, others.length], [0, 0], 'the last extension is for all');
    assert.equal(attribute(condition?.children.at(-1), 'application'), 'final');
  }
});
