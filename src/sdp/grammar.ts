import sdpTransform from 'sdp-transform';

/**
 * Our lines in sdp-transform's grammar. Its own `a=` table sorts attributes by name, lets the last of two win and
 * forgets their order; MSRP needs `path`, `accept-types`, `setup` and their like in order and complete, so one rule
 * keeps every attribute as name and value. Its `o=`, `c=` and `m=` rules take empty or half-matching lines and
 * print 64-bit numbers as floats; ours match the whole line and keep text.
 */
const OUR_RULES = {
  o: [
    {
      name: 'origin',
      reg: /^(\S+) (\d{1,20}) (\d{1,20}) IN IP([46]) (\S+)[ \t]*$/,
      names: ['username', 'sessionId', 'version', 'family', 'address'],
      format: '%s %s %s IN IP%s %s',
    },
  ],
  c: [
    {
      name: 'connection',
      reg: /^IN IP([46]) (\S+)[ \t]*$/,
      names: ['family', 'address'],
      format: 'IN IP%s %s',
    },
  ],
  t: [{ name: 'timing', reg: /^(\d{1,20}) (\d{1,20})[ \t]*$/, names: ['start', 'stop'], format: '%s %s' }],
  m: [
    {
      name: 'line',
      reg: /^([A-Za-z0-9!#$%&'*+.^_`{|}~-]+) (\d{1,5}(?:\/\d{1,5})?) ([^\s/]+(?:\/[^\s/]+)*) (\S+(?: +\S+)*)[ \t]*$/,
      names: ['kind', 'port', 'protocol', 'formats'],
      format: '%s %s %s %s',
    },
  ],
  a: [
    {
      push: 'attributes',
      reg: /^([^:\s]+)[ \t]*(?::(.*))?$/,
      names: ['name', 'value'],
      format: (attribute: Record<string, unknown>) => (attribute['value'] === undefined ? '%s' : '%s:%s'),
    },
  ],
} as const;

/** Whether a line of a kind that we read is well-formed; sdp-transform would skip it silently when not. */
export function isWellFormed(kind: string, content: string): boolean {
  const rules: Readonly<Record<string, readonly { readonly reg: RegExp }[] | undefined>> = OUR_RULES;
  return rules[kind]?.[0]?.reg.test(content) ?? true;
}

/**
 * Runs sdp-transform's parser and writer on our rules. The library has one table for the whole process; both calls
 * are synchronous, so putting ours in and its own back around each leaves it as it was for any other user.
 */
function withOurRules<Result>(work: () => Result): Result {
  const { grammar } = sdpTransform;
  const theirs = Object.fromEntries(Object.keys(OUR_RULES).map((kind) => [kind, grammar[kind] ?? []]));
  Object.assign(grammar, OUR_RULES);
  try {
    return work();
  } finally {
    Object.assign(grammar, theirs);
  }
}

export function parseWithOurRules(text: string): Record<string, unknown> {
  return withOurRules(() => sdpTransform.parse(text));
}

export function writeWithOurRules(session: Record<string, unknown>): string {
  return withOurRules(() => sdpTransform.write(session));
}
