/** Requests as they stand in a log, and what `parley explain` says of them by the store of a running stack. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { pino } from 'pino';
import type { Room } from '../../../src/agents/room.ts';
import { type Explanation, explainRequest, type Trust } from '../../../src/app/explain.ts';
import { loadConfig } from '../../../src/config/load.ts';
import { DOMAIN } from '../../support/stack.ts';

export const uriOf = (name: string): string => `sip:${name}@${DOMAIN}`;

export interface Parts {
  readonly headers?: readonly string[];
  readonly body?: { readonly contentType: string; readonly content: string | Buffer };
  /** Sent in the dialog of this room. */
  readonly room?: Room;
}

export function request(
  method: string,
  to: string,
  from: string,
  { headers = [], body, room }: Parts = {},
): string {
  const dialog = room?.dialog;
  return [
    `${method} ${to} SIP/2.0`,
    'Via: SIP/2.0/UDP 127.0.0.1:5555;branch=z9hG4bKexplain',
    `From: <${uriOf(from)}>;tag=${dialog?.localTag ?? 'explain'}`,
    `To: <${to}>${dialog === undefined ? '' : `;tag=${dialog.remoteTag}`}`,
    `Call-ID: ${dialog?.callId ?? 'explained'}`,
    `CSeq: 77 ${method}`,
    'Contact: <sip:client@127.0.0.1:5555>',
    `P-Asserted-Identity: <${uriOf(from)}>`,
    ...headers,
    ...(body === undefined ? [] : [`Content-Type: ${body.contentType}`]),
    '',
    ...(body === undefined ? [''] : String(body.content).split('\r\n')),
  ].join('\n');
}

export function explainOn(directory: string, text: string, trust: Trust): Explanation {
  const loaded = loadConfig({ file: join(directory, 'parley.yaml'), env: {} });
  assert.ok(loaded.ok, JSON.stringify(loaded));
  const log = pino({ level: 'silent' });
  return explainRequest({
    config: loaded.config,
    bytes: Buffer.from(text),
    src: '127.0.0.1:5555',
    trust,
    log,
  });
}
