/** The transcript for a person: lines of at most 100 columns. Pure; nothing is written here. */
import { type Colour, columns, type Piece, paintLine, WIDTH_COLUMNS, wrap } from './paint.ts';
import { shortText } from './short-form.ts';
import type { Check, Happening, Scene, Step, ToldDecision, ToldMessage, ToldStep } from './story.ts';

export interface TranscriptOptions {
  readonly useColour: boolean;
  /** Whole messages, every step, the time of each. */
  readonly verbose: boolean;
}

const AGENT_COLUMNS = 5;
const PEER_COLUMNS = 8;
const STEP_ID_COLUMNS = 16;
const MOST_STEP_LINES = 2;
const MARGIN = '        ';
const AGENT_COLOURS: Readonly<Record<string, Colour>> = {
  Ada: 'magenta',
  Ben: 'blue',
  Cleo: 'yellow',
  Dan: 'cyan',
};

const MARKS: Readonly<Record<string, Piece>> = {
  pass: ['✓', 'green'],
  done: ['✓', 'green'],
  skip: ['·', 'dim'],
  stop: ['■', 'green'],
  refuse: ['✗', 'red'],
};

export class Transcript {
  readonly #options: TranscriptOptions;

  constructor(options: TranscriptOptions) {
    this.#options = options;
  }

  line(...pieces: Piece[]): string {
    return paintLine(pieces, this.#options.useColour);
  }

  scene({ number, title }: Scene): string[] {
    const head = `── Scene ${number} · ${title} `;
    return ['', this.line([head + '─'.repeat(Math.max(2, WIDTH_COLUMNS - columns(head))), 'bold'])];
  }

  stepBegins({ number, text }: Step): string[] {
    const lines = wrap(text, WIDTH_COLUMNS - AGENT_COLUMNS);
    return [
      '',
      ...lines.map((part, index) =>
        this.line([index === 0 ? `${number}  ` : '     ', 'dim'], [part, 'bold']),
      ),
    ];
  }

  stepEnds({ happenings, checks, isQuiet }: Step): string[] {
    const told =
      isQuiet && !this.#options.verbose
        ? [this.line([`    (${happenings.length} messages, told by --verbose)`, 'dim'])]
        : happenings.flatMap((happening) => this.#happening(happening));
    return [...told, ...checks.flatMap((one) => this.check(one))];
  }

  check({ ok, what, found }: Check): string[] {
    const [first = '', ...more] = wrap(what, WIDTH_COLUMNS - 4);
    const colour = ok ? 'green' : 'red';
    const reason = found === undefined ? [] : wrap(found, WIDTH_COLUMNS - 6);
    return [
      this.line('  ', [ok ? '✓' : '✗', colour], ' ', [first, colour]),
      ...more.map((text) => this.line('    ', [text, colour])),
      ...reason.map((text) => this.line('      ', text)),
    ];
  }

  #happening(happening: Happening): string[] {
    if (happening.kind === 'message') return this.#message(happening.message);
    const { decision, because, isRepeated } = happening;
    return isRepeated && !this.#options.verbose
      ? [this.#repeated(decision, because)]
      : this.#decision(decision, because);
  }

  #message(message: ToldMessage): string[] {
    const { agent, peer, direction, what, about, isRoutine, copies, isLateCopy, atMs, text } = message;
    const colour: Colour = isRoutine ? 'dim' : 'plain';
    const isRefusal = message.status >= 300;
    const head: Piece[] = [
      '    ',
      [agent.padEnd(AGENT_COLUMNS), AGENT_COLOURS[agent] ?? 'plain'],
      [direction === 'sent' ? '──▶ ' : '◀── ', colour],
      [peer.padEnd(PEER_COLUMNS + 1), 'dim'],
      [what, isRefusal ? 'red' : isRoutine ? 'dim' : 'bold'],
    ];
    if (isLateCopy) head.push(['  (sent again)', 'yellow']);
    else if (copies > 1) head.push([`  (sent ${copies} times)`, 'yellow']);
    const line = this.line(...head, [this.#aboutThatFits(head, about), colour]);
    if (!this.#options.verbose) return [line];
    const whole = text.replace(/\r\n$/, '').split(/\r?\n/);
    const time = new Date(atMs).toISOString().slice(11, 23);
    return [line, ...[`at ${time}`, ...whole].flatMap((row) => this.#raw(row))];
  }

  /** Whole headers only; the first is shown in any case. */
  #aboutThatFits(head: readonly Piece[], about: readonly string[]): string {
    let room =
      WIDTH_COLUMNS -
      head.reduce((sum, piece) => sum + columns(typeof piece === 'string' ? piece : piece[0]), 0);
    let line = '';
    for (const [index, part] of about.entries()) {
      const added = `${index === 0 ? '  ' : ' · '}${part}`;
      if (index > 0 && columns(added) > room) continue;
      line += added;
      room -= columns(added);
    }
    return line;
  }

  /** Longer lines are broken, not cut: this is for reading every byte. */
  #raw(row: string): string[] {
    const characters = Array.from(row);
    const lines: string[] = [];
    const width = WIDTH_COLUMNS - 13;
    for (let at = 0; at === 0 || at < characters.length; at += width) {
      lines.push(this.line([`           │ ${characters.slice(at, at + width).join('')}`, 'dim']));
    }
    return lines;
  }

  #decision(decision: ToldDecision, because: string | undefined): string[] {
    const { told, folded } = this.#fold(decision.steps);
    const rows = [
      ...told.flatMap((step) => this.#step(step)),
      ...(folded === 0 ? [] : [[[`· and ${folded} steps that had nothing to do`, 'dim'] as const]]),
      ...outcomeOf(decision).map((piece) => [piece]),
    ];
    return [
      this.line(MARGIN, ['┌ ', 'dim'], [headOf(decision), 'cyan'], [causeOf(because, decision), 'dim']),
      ...rows.map((row, index) =>
        this.line(MARGIN, [index === rows.length - 1 ? '└ ' : '│ ', 'dim'], ...row),
      ),
    ];
  }

  /** What had nothing to do is counted, not told, unless every step is asked for. */
  #fold(steps: readonly ToldStep[]): { readonly told: readonly ToldStep[]; readonly folded: number } {
    const told = steps.filter(({ verdict }) => verdict !== 'skip');
    const folded = steps.length - told.length;
    return this.#options.verbose || folded < 2 ? { told: steps, folded: 0 } : { told, folded };
  }

  #step({ id, title, verdict, found }: ToldStep): Piece[][] {
    const room = WIDTH_COLUMNS - columns(MARGIN) - STEP_ID_COLUMNS - 5;
    const colour = verdict === 'refuse' ? 'red' : verdict === 'skip' ? 'dim' : 'plain';
    const lines = wrap(`${title}: ${shortText(found)}`, room);
    const isShort = lines.length <= MOST_STEP_LINES || this.#options.verbose || verdict === 'refuse';
    const shown = isShort ? lines : lines.slice(0, MOST_STEP_LINES);
    return shown.map((text, index) => {
      const isCut = !isShort && index === shown.length - 1;
      const label: Piece[] =
        index === 0
          ? [MARKS[verdict] ?? verdict, ' ', [id.padEnd(STEP_ID_COLUMNS), 'dim'], ' ']
          : [' '.repeat(STEP_ID_COLUMNS + 3)];
      return [...label, [isCut ? `${text} …` : text, colour]];
    });
  }

  #repeated(decision: ToldDecision, because: string | undefined): string {
    const count = decision.steps.length;
    const steps = count === 1 ? 'the step as above' : `the ${count} steps as above`;
    return this.line(
      MARGIN,
      ['─ ', 'dim'],
      [headOf(decision), 'cyan'],
      [`${causeOf(because, decision)} · ${steps}`, 'dim'],
      ...outcomeOf(decision).flatMap((piece): Piece[] => [[' · ', 'dim'], piece]),
    );
  }
}

function headOf({ clause, procedure }: ToldDecision): string {
  return `${clause} ${procedure}`;
}

function causeOf(because: string | undefined, { trigger, target }: ToldDecision): string {
  if (because !== undefined) return ` · ${because}`;
  return ` · ${trigger.replace(':', ' ')}${target === null ? '' : ` ${shortText(target)}`}`;
}

/** The answer that the decision gave, if it gave one. */
function outcomeOf({ status, warning }: ToldDecision): Piece[] {
  if (warning !== null) return [[`refused with ${status ?? 'no status'}: ${warning}`, 'red']];
  return status === null ? [] : [[`answered ${status}`, 'green']];
}
