/** Colour and width of terminal lines. Pure. */

export type Colour = 'plain' | 'bold' | 'dim' | 'red' | 'green' | 'yellow' | 'blue' | 'magenta' | 'cyan';

const CODES: Readonly<Record<Colour, string>> = {
  plain: '',
  bold: '1',
  dim: '2',
  red: '31',
  green: '32',
  yellow: '33',
  blue: '34',
  magenta: '35',
  cyan: '36',
};

/** Pieces of one line, each in one colour. */
export type Piece = string | readonly [text: string, colour: Colour];

export const WIDTH_COLUMNS = 100;

/** One line of at most `WIDTH_COLUMNS` columns; what is too long ends in `…`. */
export function paintLine(pieces: readonly Piece[], useColour: boolean): string {
  let room = WIDTH_COLUMNS;
  let line = '';
  const total = pieces.reduce((sum, piece) => sum + columns(textOf(piece)), 0);
  const isCut = total > WIDTH_COLUMNS;
  for (const piece of pieces) {
    const characters = Array.from(clean(textOf(piece)));
    const kept =
      isCut && characters.length >= room
        ? `${characters.slice(0, Math.max(0, room - 1)).join('')}…`
        : characters.join('');
    const code = typeof piece === 'string' ? '' : CODES[piece[1]];
    line += useColour && code !== '' && kept !== '' ? `\u001b[${code}m${kept}\u001b[0m` : kept;
    room -= characters.length;
    if (isCut && room <= 0) break;
  }
  return line.trimEnd();
}

/** Breaks text at blanks into lines of at most `width` columns; a longer word stands alone. */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of clean(text).split(' ')) {
    if (line !== '' && columns(line) + 1 + columns(word) > width) {
      lines.push(line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, line];
}

/** Every character that we print takes one column. */
export function columns(text: string): number {
  return Array.from(text).length;
}

/** A received text must not steer the terminal. */
function clean(text: string): string {
  return text.replace(/\p{Cc}+/gu, ' ');
}

function textOf(piece: Piece): string {
  return typeof piece === 'string' ? piece : piece[0];
}
