/** What an entry of Kamailio's inbox stands for. Times out 180 s after it was written. */
export interface InboxKey {
  readonly callId: string;
  readonly cseq: number;
  /**
   * `INVITE` a final reply to our INVITE (value: the reply, empty when it was too large to keep) · `TIMEOUT` none came ·
   * `ACK` to a 2xx of ours · `CANCEL` of an INVITE to us.
   */
  readonly kind: 'INVITE' | 'TIMEOUT' | 'ACK' | 'CANCEL';
  /** To-tag of the reply or ACK, From-tag of the CANCEL or of our timed-out INVITE. */
  readonly tag: string;
}

const KEY = /^(.+):(\d{1,10}):(INVITE|TIMEOUT|ACK|CANCEL):([^:]*)$/s;

/** Reads from the right, because a Call-ID may hold colons and a tag may not. */
export function parseInboxKey(key: string): InboxKey | undefined {
  const match = KEY.exec(key);
  if (match === null) return undefined;
  const [, callId = '', cseq = '', kind, tag = ''] = match;
  return { callId, cseq: Number(cseq), kind: kind as InboxKey['kind'], tag: tag === '<null>' ? '' : tag };
}

export function formatInboxKey(key: InboxKey): string {
  return `${key.callId}:${key.cseq}:${key.kind}:${key.tag}`;
}
