/** What an MSRP session of a client is told, and what it tells. */
import type { ConnectionOptions } from 'node:tls';
import type { Cpim, CpimOptions } from '../documents.ts';
import type { Frame } from './frame.ts';

/** A header line of a frame. */
export type Field = readonly [name: string, value: string];

export interface MsrpTraceEntry {
  readonly at: Date;
  readonly direction: 'sent' | 'received' | 'note';
  readonly bytes: Buffer;
  readonly frame?: Frame;
  readonly text: string;
}

export interface MsrpSessionOptions {
  /** For error texts. */
  readonly name?: string;
  /** Address of our listener, default 127.0.0.1. */
  readonly host?: string;
  /** False: never listens, the path carries port 9, and the session can only be active. Default true. */
  readonly listen?: boolean;
  /** For an `msrps` peer. */
  readonly tls?: ConnectionOptions;
  /** Received media types beyond these are a violation; default: any. */
  readonly acceptTypes?: readonly string[];
  readonly waitMs?: number;
  /** Trace entries kept, default 20,000; 0 keeps none (load). */
  readonly maxTrace?: number;
  readonly onTrace?: (entry: MsrpTraceEntry) => void;
}

export interface SendOptions {
  /** Default text/plain, or message/cpim with `cpim`. */
  readonly contentType?: string;
  /** Wraps the content; `contentType` is then that of the wrapped content. */
  readonly cpim?: Omit<CpimOptions, 'contentType'>;
  /** Bytes per chunk; default one chunk. Chunks above 2048 bytes have `*` as range end. */
  readonly chunkBytes?: number;
  readonly failureReport?: 'yes' | 'no' | 'partial';
  readonly successReport?: 'yes' | 'no';
  readonly messageId?: string;
  /** More header lines, before Content-Type. */
  readonly headers?: readonly Field[];
  readonly timeoutMs?: number;
}

export interface ReceivedMessage {
  readonly contentType: string;
  readonly body: Buffer;
  /** The body (of CPIM: the wrapped one) read as UTF-8. */
  readonly text: string;
  readonly cpim?: Cpim;
  /** From-Path as it stood. */
  readonly from: string;
  readonly messageId: string;
  readonly chunks: number;
  /** The frame that completed it. */
  readonly frame: Frame;
}

/** Answer to a SEND: a status, `withhold` for silence; undefined lets the session answer (200). */
export type SendAnswer = number | 'withhold' | undefined;
