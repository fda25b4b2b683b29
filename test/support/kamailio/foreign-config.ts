import { readFile } from 'node:fs/promises';
import path from 'node:path';

/** Debian's own configuration as the package installs it. */
export const DEBIAN_CONFIG = '/etc/kamailio/kamailio.cfg';
const FOLDER = path.join(import.meta.dirname, '../../../kamailio');

/** The block of kamailio/README.md between its markers, with the includes' full paths. */
async function documentedLines(name: string): Promise<string> {
  const readme = await readFile(path.join(FOLDER, 'README.md'), 'utf8');
  const match = new RegExp(`<!-- lines: ${name} -->\n\`\`\`\n([\\s\\S]*?)\`\`\`\n<!-- end -->`).exec(readme);
  if (match === null) throw new Error(`kamailio/README.md documents no lines "${name}"`);
  return (match[1] as string).replaceAll(
    /include_file "([^"]+)"/g,
    (_, file) => `include_file "${path.join(FOLDER, file)}"`,
  );
}

/** Debian's file with exactly the documented lines at the documented places. */
export async function foreignConfig(): Promise<string> {
  let text = await readFile(DEBIAN_CONFIG, 'utf8');
  const insert = (anchor: string, lines: string, where: 'before' | 'behind') => {
    if (text.split(anchor).length !== 2)
      throw new Error(`${DEBIAN_CONFIG} holds "${anchor.trim()}" not exactly once`);
    text = text.replace(anchor, () => (where === 'before' ? lines + anchor : anchor + lines));
  };
  insert('####### Routing Logic ########\n', await documentedLines('modules'), 'before');
  insert('\troute(NATDETECT);\n', await documentedLines('early'), 'behind');
  insert('\troute(AUTH);\n', await documentedLines('initial'), 'behind');
  insert('event_route[xhttp:request] {\n', await documentedLines('xhttp'), 'behind');
  return text + (await documentedLines('routes'));
}
