/** From the words on the command line to a command and its exit status: 0 done, 1 failed, 2 not understood. */
import { readFileSync } from 'node:fs';
import { nearest } from '../config/nearest.ts';
import { type Command, helpOf, parseArguments } from './command.ts';
import { COMMANDS } from './commands.ts';

const NOT_UNDERSTOOD = 2;

export async function main(words: readonly string[]): Promise<number> {
  const [first = '--help'] = words;
  if (first === '--help' || first === '-h' || first === 'help') {
    process.stdout.write(overview());
    return 0;
  }
  if (first === '--version' || first === 'version') {
    process.stdout.write(`${version()}\n`);
    return 0;
  }
  const command = findCommand(words);
  if (command === undefined) return notUnderstood(unknownCommand(words));
  const rest = words.slice(command.name.split(' ').length);
  if (rest.includes('--help') || rest.includes('-h')) {
    process.stdout.write(helpOf(command));
    return 0;
  }
  const parsed = parseArguments(command, rest);
  return parsed.ok ? command.run(parsed.args) : notUnderstood(parsed.message);
}

/** The longest name that the words begin with. */
function findCommand(words: readonly string[]): Command | undefined {
  return COMMANDS.find(({ name }) => name.split(' ').every((word, index) => words[index] === word));
}

function unknownCommand(words: readonly string[]): string {
  const [first = ''] = words;
  const names = COMMANDS.map((command) => command.name);
  const family = names.filter((name) => name.startsWith(`${first} `));
  if (family.length > 0)
    return `${first} needs one of: ${family.map((name) => name.slice(first.length + 1)).join(', ')}`;
  const what = first.startsWith('-') ? `unknown flag ${first}` : `unknown command ${JSON.stringify(first)}`;
  const meant = first.startsWith('-')
    ? nearest(first, ['--help', '--version'])
    : (nearest(first, names) ??
      nearest(
        first,
        names.map((name) => name.split(' ')[0] ?? ''),
      ));
  return `${what}${meant === undefined ? '' : `; did you mean ${meant}?`}`;
}

function notUnderstood(message: string): number {
  process.stderr.write(`parley: ${message} (parley --help lists the commands)\n`);
  return NOT_UNDERSTOOD;
}

function overview(): string {
  const shown = COMMANDS.filter((command) => command.internal !== true);
  const width = Math.max(...shown.map((command) => command.name.length)) + 2;
  return [
    'parley <command> [flags]    group conversations of OMA SIMPLE IM beside a Kamailio',
    '',
    ...shown.map((command) => `  ${command.name.padEnd(width)}${command.summary}`),
    '',
    `  ${'--help'.padEnd(width)}This list; parley <command> --help says more.`,
    `  ${'--version'.padEnd(width)}The version.`,
    '',
  ].join('\n');
}

function version(): string {
  const file = new URL('../../package.json', import.meta.url);
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;
}
