/** Where records of sessions go, and how many of them are kept. */
export interface SessionRecordOptions {
  /** Undefined: no file. */
  readonly file: string;
  readonly maxBytes: number;
  readonly maxAgeMs: number;
  readonly maxFiles: number;
  /** In the database. */
  readonly keep: number;
}

export const DEFAULT_SESSION_RECORD_OPTIONS: Omit<SessionRecordOptions, 'file'> = {
  maxBytes: 10_485_760,
  maxAgeMs: 86_400_000,
  maxFiles: 30,
  keep: 10_000,
};
