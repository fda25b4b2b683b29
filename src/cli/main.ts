/** From the words on the command line to a command and its exit status: 0 done, 1 failed, 2 not understood. */
import { readFileSync } from 'node:fs';
import { nearest } from '../config/nearest.ts';
import { type Command, helpOf, parseArguments } from './command.ts';
import { COMMANDS } from './commands.ts';

const NOT_UNDERSTOOD = 2;

export async function main(words: readonly string[]): Promise<number> {
  const [first = '--help', ...others] = words;
  if (first === '--help' || first === '-h' || first === 'help') {
    if (first === 'help' && others.length > 0) return main([...others, '--help']);
    process.stdout.write(overview());
    return 0;
  }
  if (first === '--version' || first === 'version') {
    process.stdout.write(`${version()}\n`);
    return 0;
  }
  const command = findCommand(words);
  if (command === undefined && familyOf(first).length > 0 && asksForHelp(others[0])) {
    process.stdout.write(familyHelp(first));
    return 0;
  }
  if (command === undefined) {
    const near = familyOf(first).length > 0 ? `parley ${first}` : 'parley';
    return notUnderstood(unknownCommand(words), near);
  }
  const rest = words.slice(command.name.split(' ').length);
  if (rest.some(asksForHelp)) {
    process.stdout.write(helpOf(command));
    return 0;
  }
  const parsed = parseArguments(command, rest);
  return parsed.ok ? command.run(parsed.args) : notUnderstood(parsed.message, `parley ${command.name}`);
}

const asksForHelp = (word: string | undefined): boolean => word === '--help' || word === '-h';

/** The longest name that the words begin with. */
function findCommand(words: readonly string[]): Command | undefined {
  return COMMANDS.find(({ name }) => name.split(' ').every((word, index) => words[index] === word));
}

function unknownCommand(words: readonly string[]): string {
  const [first = ''] = words;
  const names = COMMANDS.map((command) => command.name);
  const family = familyOf(first);
  if (family.length > 0)
    return `${first} needs one of: ${family.map(({ name }) => name.slice(first.length + 1)).join(', ')}`;
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

/** The commands of two words that begin with this one. */
function familyOf(word: string): Command[] {
  return COMMANDS.filter(({ name, internal }) => name.startsWith(`${word} `) && internal !== true);
}

/** @param near whose help says more */
function notUnderstood(message: string, near: string): number {
  process.stderr.write(`parley: ${message} (${near} --help says more)\n`);
  return NOT_UNDERSTOOD;
}

function overview(): string {
  const commands = COMMANDS.filter((command) => command.internal !== true);
  return listOf(
    'parley <command> [flags]    group conversations of OMA SIMPLE IM beside a Kamailio',
    commands,
    [
      { name: '--help', summary: 'This list; parley <command> --help says more.' },
      { name: '--version', summary: 'The version.' },
    ],
  );
}

function familyHelp(word: string): string {
  return listOf(`parley ${word} <command> [flags]`, familyOf(word), [
    { name: '--help', summary: `This list; parley ${word} <command> --help says more.` },
  ]);
}

type Row = Pick<Command, 'name' | 'summary'>;

function listOf(title: string, commands: readonly Row[], flags: readonly Row[]): string {
  const width = Math.max(...commands.map(({ name }) => name.length)) + 2;
  const lines = (rows: readonly Row[]) =>
    rows.map(({ name, summary }) => `  ${name.padEnd(width)}${summary}`);
  return [title, '', ...lines(commands), '', ...lines(flags), ''].join('\n');
}

function version(): string {
  const file = new URL('../../package.json', import.meta.url);
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;
}
