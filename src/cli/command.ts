/** What a command is, and reading its arguments. */
import { nearest } from '../config/nearest.ts';

export interface Flag {
  readonly name: string;
  /** Name of the value in the help; absent: the flag takes none. */
  readonly value?: string;
  readonly about: string;
  /** For the program's own use: not in the help. */
  readonly internal?: true;
}

export interface Command {
  /** One or two words. */
  readonly name: string;
  readonly summary: string;
  /** After the name, for example `--config FILE`. */
  readonly usage: string;
  readonly flags: readonly Flag[];
  /** How many arguments besides flags it takes at most. */
  readonly maxOperands?: number;
  readonly internal?: true;
  run(args: Arguments): Promise<number>;
}

export interface Arguments {
  readonly flags: ReadonlyMap<string, string>;
  readonly operands: readonly string[];
  /** As given. */
  readonly raw: readonly string[];
}

export type Parsed =
  | { readonly ok: true; readonly args: Arguments }
  | { readonly ok: false; readonly message: string };

/** `--flag value`, `--flag=value`, `--flag`; a flag that stands twice or is unknown is refused. Behind `--` no word is a flag. */
export function parseArguments(command: Command, raw: readonly string[]): Parsed {
  const flags = new Map<string, string>();
  const operands: string[] = [];
  const refuse = (message: string): Parsed => ({ ok: false, message: `${command.name}: ${message}` });
  for (let index = 0; index < raw.length; index++) {
    const word = raw[index] ?? '';
    if (word === '--') {
      operands.push(...raw.slice(index + 1));
      break;
    }
    if (!word.startsWith('-') || word === '-') {
      operands.push(word);
      continue;
    }
    const [, name = '', given] = /^--?([^=]*)(?:=(.*))?$/s.exec(word) ?? [];
    const flag = command.flags.find((candidate) => candidate.name === name);
    if (flag === undefined || !word.startsWith('--')) return refuse(unknownFlag(command, word, name));
    if (flags.has(name)) return refuse(`--${name} stands twice`);
    if (flag.value === undefined) {
      if (given !== undefined) return refuse(`--${name} takes no value`);
      flags.set(name, '');
      continue;
    }
    const value = given ?? raw[++index];
    if (value === undefined || value === '' || (given === undefined && value.startsWith('--'))) {
      return refuse(`--${name} needs a value (${flag.value})`);
    }
    flags.set(name, value);
  }
  const most = command.maxOperands ?? 0;
  if (operands.length > most) return refuse(`does not take ${JSON.stringify(operands[most])}`);
  return { ok: true, args: { flags, operands, raw } };
}

function unknownFlag(command: Command, word: string, name: string): string {
  const meant = nearest(
    name,
    command.flags.filter((flag) => flag.internal !== true).map((flag) => flag.name),
  );
  return `unknown flag ${word}${meant === undefined ? '' : `; did you mean --${meant}?`}`;
}

/** The help of one command. */
export function helpOf(command: Command): string {
  const flags = command.flags.filter((flag) => flag.internal !== true);
  const label = (flag: Flag) => `--${flag.name}${flag.value === undefined ? '' : ` ${flag.value}`}`;
  const width = Math.max(0, ...flags.map((flag) => label(flag).length)) + 2;
  const lines = flags.map((flag) => `  ${label(flag).padEnd(width)}${flag.about}`);
  return [`parley ${command.name} ${command.usage}`.trimEnd(), '', command.summary, '', ...lines, ''].join(
    '\n',
  );
}
