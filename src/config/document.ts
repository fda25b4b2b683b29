/** docs/configuration.md from the schema: `node src/config/document.ts FILE` writes it, a test says that it is current. */
import { writeFileSync } from 'node:fs';
import { environmentName } from './environment.ts';
import { ConfigSchema } from './schema.ts';
import { expectation, leaves, type SchemaNode } from './schema-walk.ts';

const INTRODUCTION = `# Configuration

<!-- Made from src/config/schema*.ts by \`npm run docs:config\`; change it there. -->

One YAML file, named by \`--config FILE\`. Every key is optional; without \`--config\` the defaults hold, which keep everything on
loopback, and the command says so (a parley.yaml in the working directory is not read by itself). Unknown keys are refused with their path and the nearest known key, and all faults are told in one run:

\`\`\`
npm run -s parley -- config check FILE
\`\`\`

- **Environment.** Every key can be set by a variable, which wins over the file: \`sip.domain\` is \`PARLEY_SIP_DOMAIN\`. Lists are written
  with commas or as JSON. A variable that names no key only gives a warning.
- **Files** are relative to the configuration file (to the working directory when there is none).
- **Secrets** stand in files of their own and never in the configuration.
- **Port 0** takes a free port when \`parley up\` starts; the line that it prints names it.

A small example:

\`\`\`yaml
sip:
  listen: [udp:192.0.2.10:5060, tcp:192.0.2.10:5060]
  domain: im.example.net
  trustedPeers: [192.0.2.0/28]
digest:
  usersFile: users.htdigest
msrp:
  listen: 192.0.2.10:2855
groups: [groups/*.xml]
store:
  sqlite: parley.db
\`\`\`
`;

/** The whole page. */
export function configurationPage(): string {
  const root = ConfigSchema as unknown as SchemaNode;
  const lines = [INTRODUCTION];
  for (const [section, node] of Object.entries(root.properties ?? {})) {
    lines.push(`## ${section}`, '');
    if (node.properties === undefined) {
      lines.push(...keyLines([section], node));
      continue;
    }
    if (node.description !== undefined) lines.push(node.description, '');
    for (const [path, leaf] of leaves(node, [section]))
      lines.push(`### ${path.join('.')}`, '', ...keyLines(path, leaf));
  }
  return `${lines.join('\n').trimEnd()}\n`;
}

function keyLines(path: readonly string[], node: SchemaNode): string[] {
  const fallback = node.default === undefined ? 'none' : `\`${JSON.stringify(node.default)}\``;
  const takes = node.items?.type === 'object' ? 'a list of sections' : expectation(node, path.at(-1));
  const facts = [`- Takes ${takes}`, `- Default: ${fallback}`, `- Environment: \`${environmentName(path)}\``];
  return [node.description ?? '', '', ...facts, ...entryLines(node), ''];
}

/** The keys of the sections in a list. */
function entryLines(node: SchemaNode): string[] {
  if (node.items?.properties === undefined) return [];
  return [
    '- Each entry:',
    ...[...leaves(node.items)].map(([path, leaf]) => `  - \`${path.join('.')}\`: ${leaf.description ?? ''}`),
  ];
}

if (import.meta.main) writeFileSync(process.argv[2] ?? 'docs/configuration.md', configurationPage());
