/**
 * Asks an MSRP port for a sign of life: a SEND without content to the switch's reserved session, or, where the port takes
 * WebSockets alone, their handshake. A stopped process has its connections accepted by the kernel, and says nothing.
 */
import { randomBytes } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import { connect as tlsConnect } from 'node:tls';
import { formatEmptySend, formatPaths } from '../protocol/encode.ts';

export interface ProbeTarget {
  readonly transport: 'tcp' | 'tls' | 'ws' | 'wss';
  readonly host: string;
  readonly port: number;
  /** Of the reserved session; undefined: the switch named none, and any answer is one. */
  readonly sessionId: string | undefined;
}

const MAX_ANSWER_BYTES = 4_096;

/**
 * Resolves true when this very switch has answered within `deadlineMs`; false for silence, a refused connection, or another
 * process in its place.
 */
export function answersProbe(target: ProbeTarget, deadlineMs: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = open(target);
    const timer = setTimeout(() => settle(false), deadlineMs);
    let answer = '';
    const settle = (isAlive: boolean): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(isAlive);
    };
    const { question, isAnswer } = questionFor(target);
    socket.setEncoding('latin1');
    socket.once(isSecure(target) ? 'secureConnect' : 'connect', () => socket.write(question));
    socket.on('data', (text: string) => {
      answer += text;
      if (answer.length > MAX_ANSWER_BYTES) settle(false);
      else if (answer.includes('\r\n')) settle(isAnswer(answer));
    });
    // A port that refuses or closes is as silent as one that says nothing.
    socket.once('error', () => settle(false));
    socket.once('close', () => settle(false));
  });
}

function isSecure({ transport }: ProbeTarget): boolean {
  return transport === 'tls' || transport === 'wss';
}

function open(target: ProbeTarget): Socket {
  const { host, port } = target;
  // Whose certificate it is does not matter: only the switch itself knows the reserved session.
  return isSecure(target) ? tlsConnect({ host, port, rejectUnauthorized: false }) : connect({ host, port });
}

interface Question {
  readonly question: string;
  isAnswer(text: string): boolean;
}

function questionFor(target: ProbeTarget): Question {
  const { host, port, sessionId = 'probe', transport } = target;
  const authority = `${host.includes(':') ? `[${host}]` : host}:${port}`;
  if (transport === 'ws' || transport === 'wss') {
    const key = randomBytes(16).toString('base64');
    return {
      question:
        `GET / HTTP/1.1\r\nHost: ${authority}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
        `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${key}\r\nSec-WebSocket-Protocol: msrp\r\n\r\n`,
      isAnswer: (text) => text.startsWith('HTTP/1.1 101 '),
    };
  }
  const tid = randomBytes(8).toString('hex');
  const scheme = transport === 'tls' ? 'msrps' : 'msrp';
  const paths = formatPaths(
    `${scheme}://${authority}/${sessionId};tcp`,
    // The discard port: nobody is to connect there (RFC 6135 section 4.2).
    `${scheme}://127.0.0.1:9/${tid};tcp`,
  );
  return {
    question: formatEmptySend(tid, paths, tid),
    isAnswer: (text) =>
      target.sessionId === undefined ? text.startsWith(`MSRP ${tid} `) : text.startsWith(`MSRP ${tid} 200 `),
  };
}
