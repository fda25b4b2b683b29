/** Any group document, and the parts of one. */
import fc from 'fast-check';
import { type GroupDocument, keyOf, RIGHT_NAMES } from '../../../src/documents/group-model.ts';
import { readXml } from '../../../src/xml/reader.ts';
import { escapeXml, formatElement, legalXmlText } from '../../../src/xml/writer.ts';

export const anyText = fc.string({ unit: 'binary', maxLength: 40 });
/** Plain objects, as the code under test makes them. */
export function record<T>(model: { [K in keyof T]: fc.Arbitrary<T[K]> }): fc.Arbitrary<T> {
  return fc.record(model, { noNullPrototype: true }) as fc.Arbitrary<T>;
}

/** An object without the members that are undefined. */
export function some<T extends object>(value: T): T {
  return Object.fromEntries(Object.entries(value).filter(([, member]) => member !== undefined)) as T;
}
export const maybe = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
  fc.option(arbitrary, { nil: undefined });

export const name = anyText.map((text) => legalXmlText(text).trim()).filter((text) => text !== '');
export const token = fc.stringMatching(/^[a-z][a-z0-9.-]{0,8}[a-z0-9]$/);
export const uri = fc.oneof(
  fc.tuple(token, token).map(([user, host]) => `sip:${user}@${host}`),
  fc.tuple(token, token).map(([user, host]) => `sips:${user}@${host};x="`.replace('"', "1&'")),
  fc.stringMatching(/^tel:\+[0-9]{3,9}$/),
);
export const uniqueUris = fc.uniqueArray(uri, { maxLength: 5, selector: (text) => keyOf(text) ?? text });

const fragment = fc
  .tuple(token, name)
  .map(([local, text]) =>
    formatElement(readXml(`<${local} xmlns="urn:x"><y>${escapeXml(text)}</y></${local}>`)),
  );
const fragments = fc.array(fragment, { minLength: 1, maxLength: 2 });
const timeMs = fc.integer({ min: 0, max: 4_000_000_000_000 });
const anchors = fc.uniqueArray(
  token.map((text) => `http://x/${text}`),
  { maxLength: 3 },
);
const yes = maybe(fc.constant(true as const));
const conditions = record({
  members: yes,
  others: yes,
  anonymous: yes,
  identities: maybe(
    record({
      one: fc.array(uri, { maxLength: 3 }),
      many: fc.array(
        fc
          .record({
            domain: maybe(token),
            exceptUris: fc.array(uri, { maxLength: 2 }),
            exceptDomains: fc.array(token, { maxLength: 2 }),
          })
          .map(some),
        { maxLength: 2 },
      ),
    }),
  ),
  externalLists: maybe(anchors),
  validity: maybe(
    fc.array(
      fc
        .tuple(timeMs, fc.integer({ min: 1, max: 1e9 }))
        .map(([fromMs, more]) => ({ fromMs, untilMs: fromMs + more })),
      { maxLength: 3 },
    ),
  ),
  unknown: maybe(fragments),
}).map(some);
const grant = record(Object.fromEntries(RIGHT_NAMES.map((right) => [right, maybe(fc.boolean())]))).map(some);
const rule = record({
  id: token,
  conditions,
  grant,
  otherActions: maybe(fragments),
  transformations: maybe(fragments),
}).map(some);
const member = record({ uri, displayName: maybe(name), extensions: maybe(fragments) }).map(some);
export const groupArbitrary: fc.Arbitrary<GroupDocument> = record({
  uri: fc.tuple(token, token).map(([user, host]) => `sip:${user}@${host}`),
  displayName: maybe(name),
  displayNameLang: fc.constant(undefined),
  members: fc.uniqueArray(member, { maxLength: 5, selector: (one) => keyOf(one.uri) ?? one.uri }),
  externals: anchors,
  inviteMembers: fc.boolean(),
  maxParticipantCount: maybe(fc.nat()),
  rules: fc.uniqueArray(rule, { maxLength: 4, selector: ({ id }) => id }),
  extensions: fc.array(fragment, { maxLength: 2 }),
}).map(some) as fc.Arbitrary<unknown> as fc.Arbitrary<GroupDocument>;
