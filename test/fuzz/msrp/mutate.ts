/** Inputs of the fuzzer: whole frames to begin with, and ways to spoil them. Chance comes as an argument. */
export type Chance = (below: number) => number;

const PATHS =
  'To-Path: msrp://127.0.0.1:2855/sid-c-0123456789;tcp\r\nFrom-Path: msrp://192.0.2.1:7777/client-c;tcp\r\n';
const ID = 'Message-ID: mid-1\r\n';
const TEXT = 'Content-Type: text/plain\r\n\r\n';

function frame(tid: string, what: string, rest: string, flag = '$'): string {
  return `MSRP ${tid} ${what}\r\n${PATHS}${rest}-------${tid}${flag}\r\n`;
}

function cpimSend(to: string, from = 'sip:c@example.net', inner = 'text/plain'): string {
  const body = `From: <${from}>\r\nTo: <${to}>\r\nNS: imdn <urn:ietf:params:imdn>\r\nimdn.Message-ID: x\r\n\r\nContent-Type: ${inner}\r\n\r\nhello`;
  return frame('cpimtid1', 'SEND', `${ID}Byte-Range: 1-*/*\r\nContent-Type: message/cpim\r\n\r\n${body}\r\n`);
}

export const SEEDS: readonly Buffer[] = [
  frame('emptytid', 'SEND', `${ID}Byte-Range: 1-0/0\r\n`),
  frame(
    'wholetid',
    'SEND',
    `${ID}Byte-Range: 1-5/5\r\nSuccess-Report: yes\r\nFailure-Report: partial\r\n${TEXT}hello\r\n`,
  ),
  frame('chunk001', 'SEND', `${ID}Byte-Range: 1-2/5\r\n${TEXT}he\r\n`, '+') +
    frame('chunk002', 'SEND', `${ID}Byte-Range: 3-5/5\r\n${TEXT}llo\r\n`),
  frame('chunk001', 'SEND', `${ID}Byte-Range: 1-*/*\r\n${TEXT}he\r\n`, '+') +
    frame('abort001', 'SEND', ID, '#'),
  cpimSend('sip:im-s-room1@example.net'),
  cpimSend('sip:a@example.net'),
  cpimSend('sip:nobody@example.net'),
  cpimSend('sip:a@example.net', 'sip:b@example.net'),
  cpimSend('sip:a@example.net', 'sip:c@example.net', 'message/imdn+xml'),
  frame(
    'composin',
    'SEND',
    `${ID}Content-Type: application/im-iscomposing+xml\r\nContent-Disposition: inline\r\n\r\n<x/>\r\n`,
  ),
  frame('heartbea', 'SEND', `${ID}Content-Type: text/x-msrp-heartbeat\r\n\r\nHEARTBEAT\r\n`),
  frame('nickname', 'NICKNAME', 'Use-Nickname: "Cleo \\"the\\" c"\r\n'),
  frame('authauth', 'AUTH', ''),
  frame('reportid', 'REPORT', `${ID}Byte-Range: 1-5/5\r\nStatus: 000 413 Stop\r\n`),
  frame('answer01', '200 OK', '') + frame('answer02', '200 OK', '') + frame('answer03', '481', ''),
  frame('sendsend', 'SEND', `${ID}Byte-Range: 1-*/70000\r\n${TEXT}${'x'.repeat(3_000)}\r\n`),
].map((text) => Buffer.from(text, 'latin1'));

const WORDS = [
  ...[
    'MSRP ',
    'SEND',
    'REPORT',
    'NICKNAME',
    'AUTH',
    '200 OK',
    '481',
    '999',
    '-------',
    '$\r\n',
    '+\r\n',
    '#\r\n',
  ],
  ...[
    '\r\n',
    '\r',
    '\n',
    '\r\n\r\n',
    ': ',
    ' ',
    '\t',
    '"',
    '\\',
    '\0',
    '\xff',
    '<',
    '>',
    ';tcp',
    ';ws',
    'msrp://',
    'msrps://',
  ],
  ...[
    'To-Path: ',
    'From-Path: ',
    'Message-ID: ',
    'Byte-Range: ',
    'Content-Type: ',
    'Content-Transfer-Encoding: base64\r\n',
  ],
  ...[
    'Success-Report: yes\r\n',
    'Failure-Report: no\r\n',
    'Use-Nickname: ""\r\n',
    'Status: 000 200\r\n',
    'Expires: 1\r\n',
  ],
  ...[
    '0-0/0',
    '1-0/0',
    '1-*/*',
    '*-1/1',
    '2-1/1',
    '1-99999999/5',
    '9007199254740993-*/*',
    '-1',
    '4294967296',
  ],
  ...[
    'message/cpim',
    'text/plain',
    'message/imdn+xml',
    'From: ',
    'To: ',
    'NS: ',
    'sip:c@example.net',
    'sid-c-0123456789',
    'client-c',
  ],
].map((word) => Buffer.from(word, 'latin1'));

/** @param other another input to take pieces from */
export function mutate(bytes: Buffer, other: Buffer, chance: Chance): Buffer {
  let mutant = bytes;
  for (let rounds = 1 + chance(4); rounds > 0; rounds--) {
    const at = chance(mutant.length + 1);
    const to = Math.min(mutant.length, at + chance(24));
    const [before, piece, after] = [mutant.subarray(0, at), mutant.subarray(at, to), mutant.subarray(to)];
    mutant = Buffer.concat(variant(chance(9), { before, piece, after, whole: mutant, other }, chance));
  }
  return mutant.subarray(0, MAX_BYTES);
}

const MAX_BYTES = 24_000;

interface Cut {
  readonly before: Buffer;
  readonly piece: Buffer;
  readonly after: Buffer;
  readonly whole: Buffer;
  readonly other: Buffer;
}

function variant(
  kind: number,
  { before, piece, after, whole, other }: Cut,
  chance: Chance,
): readonly Buffer[] {
  const word = WORDS[chance(WORDS.length)] as Buffer;
  switch (kind) {
    case 0:
      return [before, after];
    case 1:
      return [before, piece, piece, after];
    case 2:
      return [before, word, after];
    case 3:
      return [before, word, piece, after];
    case 4:
      return [before, Buffer.from([chance(256)]), after];
    case 5:
      return [before];
    case 6:
      return [whole, other];
    case 7:
      return [before, other.subarray(chance(other.length + 1))];
    default:
      return [before, ...Array.from({ length: 1 + chance(80) }, () => word), after];
  }
}
