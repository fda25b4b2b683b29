/** docs/profiles.md from the readings table: `node src/app/profiles-document.ts FILE` writes it, a test says that it is current. */
import { writeFileSync } from 'node:fs';
import { type ProfileName, READINGS } from '../focus/readings.ts';

const PROFILES: readonly ProfileName[] = ['oma-strict', 'rcc07', 'lenient'];

/** @param allReadings the section about all of A-1 … A-53, made from the tests */
export function profilesPage(allReadings: string): string {
  const rows = READINGS.map(({ key, of, about, values }) => {
    const cells = PROFILES.map((profile) => `\`${String(values[profile])}\``);
    return `| ${of} | \`readings.${key}\` | ${about} | ${cells.join(' | ')} |`;
  });
  return `# Profiles

<!-- Made from src/focus/readings.ts and the names of the conformance tests by \`npm run docs:profiles\`; change it there. -->

Where the specification leaves room, the reading is a setting. \`profile\` chooses one value for each of them; a value set by itself under \`readings\`
wins. No profile loosens identity: [readings-identity](../test/conformance/readings-identity.test.ts) makes the same attempts on a stack of each.

| of | setting | about | ${PROFILES.map((profile) => `\`${profile}\``).join(' | ')} |
| --- | --- | --- | --- | --- | --- |
${rows.join('\n')}

## Not a setting

- **From and P-Asserted-Identity of an invitation** (7.2.2.2) are the same in every profile: From is the session identity with the inviter's name, or the group; P-Asserted-Identity is
  the inviter, or the group. Clients send SUBSCRIBE and REFER outside of a dialog to the address in From, and only these addresses lead them to the session
  ([decision 0004](decisions/0004-participant-addresses-and-from.md)).
- **Conversation-ID, Contribution-ID and InReplyTo-Contribution-ID** (RCC.07) are passed on to everybody who is invited, in every profile, and none is made up: they are ids that the client which
  begins the chat gives it. Of an INVITE without them the invitations have none, with \`rcc07\` as well; that profile changes the lines of its column above and nothing else.

${allReadings}`;
}

const [, script, file] = process.argv;
if (file !== undefined && script?.endsWith('profiles-document.ts') === true) {
  // A tool of the tree with its tests, which a release does not have.
  const tests = new URL('../../test/conformance/report/readings-section.ts', import.meta.url);
  const { readingsSection } = (await import(tests.href)) as { readingsSection(): string };
  writeFileSync(file, profilesPage(readingsSection()));
}
