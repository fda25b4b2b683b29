/** The certificate of the MSRP listeners: read from its files, and again when they change. */
import { readFileSync, unwatchFile, watchFile } from 'node:fs';
import type { Logger } from 'pino';
import type { Config } from '../config/config.ts';
import { CodedError } from '../lib/errors.ts';
import type { MsrpSwitch } from '../msrp/switch/msrp-switch.ts';
import type { TlsIdentity } from '../msrp/transport/tls-identity.ts';

type TlsConfig = Config['msrp']['tls'];

/** Files that are renamed into place, or links that are turned round, are seen by looking, not by events. */
const LOOK_EVERY_MS = 2_000;

export interface WatchedIdentity {
  /** Reads the files now; returns what came of it, in words. */
  reload(): string;
  stop(): void;
}

/** Undefined when no certificate is configured. @throws CodedError MSRP_BAD_CERTIFICATE */
export function readIdentity(tls: TlsConfig): TlsIdentity | undefined {
  if (tls.certificateFile === undefined || tls.keyFile === undefined) return undefined;
  try {
    return {
      cert: readFileSync(tls.certificateFile),
      key: readFileSync(tls.keyFile),
      ...(tls.caFile === undefined ? {} : { ca: readFileSync(tls.caFile) }),
      requireClientCertificate: tls.requireClientCertificate,
    };
  } catch (cause) {
    throw new CodedError('MSRP_BAD_CERTIFICATE', 'a file of msrp.tls cannot be read', { cause });
  }
}

/** Key and certificate are seldom replaced at one stroke: while they are no pair, the old ones stay in use. */
export function watchIdentity(tls: TlsConfig, msrp: MsrpSwitch, log: Logger): WatchedIdentity {
  const reload = (): string => {
    try {
      const identity = readIdentity(tls);
      if (identity === undefined) return '-ERR no certificate is configured';
      msrp.useIdentity(identity);
      log.info({ fingerprint: msrp.hello().fingerprint }, 'certificate read again');
      return '+OK';
    } catch (error) {
      if (!(error instanceof CodedError)) throw error;
      log.warn({ code: error.code, why: error.message }, 'certificate not renewed, the old one stays');
      return `-ERR ${error.message}`;
    }
  };
  const files = [tls.certificateFile, tls.keyFile, tls.caFile].filter((file) => file !== undefined);
  const onLook = (): void => void reload();
  for (const file of files) watchFile(file, { interval: LOOK_EVERY_MS, persistent: false }, onLook);
  return {
    reload,
    stop: () => {
      for (const file of files) unwatchFile(file, onLook);
    },
  };
}
