/** Documents that mean harm, and ones that are none. */
const MIB = 1_048_576;

const bomb = `<?xml version="1.0"?><!DOCTYPE g [<!ENTITY a "${'x'.repeat(100)}">${Array.from(
  { length: 9 },
  (_, n) => `<!ENTITY ${'abcdefghij'[n + 1]} "${`&${'abcdefghij'[n]};`.repeat(10)}">`,
).join('')}]><group>&j;</group>`;
export const HOSTILE_XML: readonly (readonly [what: string, payload: string | Buffer])[] = [
  ['entities in entities', bomb],
  ['an entity of a file', '<!DOCTYPE g [<!ENTITY x SYSTEM "file:///etc/passwd">]><group>&x;</group>'],
  ['a DTD of elsewhere', '<!DOCTYPE g SYSTEM "http://127.0.0.1:1/x.dtd"><group/>'],
  ['depth', `${'<a>'.repeat(30_000)}${'</a>'.repeat(30_000)}`],
  ['attributes', `<group ${Array.from({ length: 20_000 }, (_, n) => `a${n}="1"`).join(' ')}/>`],
  ['a namespace that is not bound', '<x:group/>'],
  ['no end', '<group><list-service>'],
  ['no UTF-8', Buffer.from([0x3c, 0x67, 0xff, 0xfe, 0x3e])],
  ['NUL', '<group>\u0000</group>'],
  ['nothing', ''],
  ['size', `<group>${' '.repeat(2 * MIB)}</group>`],
];
