/** docs/profiles.md from the readings table: `node src/app/profiles-document.ts FILE` writes it, a test says that it is current. */
import { writeFileSync } from 'node:fs';
import { type ProfileName, READINGS } from '../focus/readings.ts';

const PROFILES: readonly ProfileName[] = ['oma-strict', 'rcc07', 'lenient'];

export function profilesPage(): string {
  const rows = READINGS.map(({ key, of, about, values }) => {
    const cells = PROFILES.map((profile) => `\`${String(values[profile])}\``);
    return `| ${of} | \`readings.${key}\` | ${about} | ${cells.join(' | ')} |`;
  });
  return `# Profiles

<!-- Made from src/focus/readings.ts by \`npm run docs:profiles\`; change it there. -->

Where the specification leaves room, the reading is a setting. \`profile\` chooses one value for each of them; a value set by itself under \`readings\`
wins. No profile loosens identity.

| of | setting | about | ${PROFILES.map((profile) => `\`${profile}\``).join(' | ')} |
| --- | --- | --- | --- | --- | --- |
${rows.join('\n')}
`;
}

const [, script, file] = process.argv;
if (file !== undefined && script?.endsWith('profiles-document.ts') === true)
  writeFileSync(file, profilesPage());
