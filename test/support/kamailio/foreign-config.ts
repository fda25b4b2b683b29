import { copyFile, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';

/** Debian's own configuration as the package installs it. */
const DEBIAN_CONFIG = '/etc/kamailio/kamailio.cfg';
const FOLDER = path.join(import.meta.dirname, '../../../kamailio');

/** The block of kamailio/README.md between its markers. */
export async function documentedLines(name: string): Promise<string> {
  const readme = await readFile(path.join(FOLDER, 'README.md'), 'utf8');
  const match = new RegExp(`<!-- lines: ${name} -->\n\`\`\`\\w*\n([\\s\\S]*?)\`\`\`\n<!-- end -->`).exec(
    readme,
  );
  if (match?.[1] === undefined) throw new Error(`kamailio/README.md documents no lines "${name}"`);
  return match[1];
}

/** Debian's file with exactly the documented lines at the documented places. */
async function withDocumentedLines(): Promise<string> {
  let text = await readFile(DEBIAN_CONFIG, 'utf8');
  const insert = async (name: string, where: 'before' | 'behind', anchor: string) => {
    const lines = await documentedLines(name);
    if (text.split(anchor).length !== 2)
      throw new Error(`${DEBIAN_CONFIG} holds "${anchor.trim()}" not exactly once`);
    text = text.replace(anchor, () => (where === 'before' ? lines + anchor : anchor + lines));
  };
  await insert('modules', 'before', '####### Routing Logic ########\n');
  await insert('early', 'behind', '\troute(NATDETECT);\n');
  await insert('initial', 'behind', '\troute(AUTH);\n');
  await insert('trusted', 'behind', 'route[AUTH] {\n');
  await insert('user', 'behind', '\t\t\tauth_challenge("$fd", "0");\n\t\t\texit;\n\t\t}\n');
  await insert('branch', 'behind', 'branch_route[MANAGE_BRANCH] {\n');
  await insert('xhttp', 'behind', 'event_route[xhttp:request] {\n');
  return text + (await documentedLines('routes'));
}

/** Writes Debian's file into the folder, as it is, or as our README says with what it says to copy; `mistakes` are an operator's. @returns the file */
export async function writeForeignConfig(
  folder: string,
  secret?: string,
  mistakes: (config: string) => string = (config) => config,
): Promise<string> {
  const file = path.join(folder, 'kamailio.cfg');
  if (secret === undefined) {
    await copyFile(DEBIAN_CONFIG, file);
    return file;
  }
  for (const name of ['im-modules.cfg', 'im-routes.cfg'])
    await copyFile(path.join(FOLDER, name), path.join(folder, name));
  await writeFile(path.join(folder, 'im-secret.cfg'), `#!define IM_SECRET "${secret}"\n`, { mode: 0o600 });
  await writeFile(file, mistakes(await withDocumentedLines()));
  return file;
}
