import type { HeaderId } from '../../../src/msrp/protocol/frame-head.ts';
import { DEFAULT_PROTOCOL_LIMITS, type ProtocolLimits } from '../../../src/msrp/protocol/limits.ts';
import { MsrpParser } from '../../../src/msrp/protocol/parser.ts';

export interface RecordedFrame {
  readonly tid: string;
  readonly method: string;
  readonly status: number;
  readonly hasBody: boolean;
  readonly values: readonly (string | null)[];
  readonly otherContentLines: string;
  body: string;
  flag: string;
}

export interface Recording {
  readonly frames: RecordedFrame[];
  fault: string;
}

/** What a parser makes of these chunks. Each chunk is wiped after its feed: views that outlive it would show. */
export function recordFrames(
  chunks: Iterable<Buffer>,
  headers: readonly HeaderId[] = [],
  limits: ProtocolLimits = DEFAULT_PROTOCOL_LIMITS,
): Recording {
  const recording: Recording = { frames: [], fault: '' };
  let current: RecordedFrame | null = null;
  const parser = new MsrpParser(
    {
      onHead(head) {
        current = {
          tid: head.tid(),
          method: head.method,
          status: head.status,
          hasBody: head.hasBody,
          values: headers.map((id) => head.value(id)),
          otherContentLines: head.otherContentLines(),
          body: '',
          flag: '',
        };
        recording.frames.push(current);
      },
      onBody(view) {
        if (current === null || view.length === 0) throw new Error('body out of place');
        current.body += view.toString('latin1');
      },
      onEnd(flag) {
        if (current === null) throw new Error('end out of place');
        current.flag = String.fromCharCode(flag);
        current = null;
      },
      onFault(fault) {
        recording.fault = fault.code;
      },
    },
    limits,
  );
  for (const chunk of chunks) {
    const copy = Buffer.from(chunk);
    parser.feed(copy);
    copy.fill(0);
  }
  return recording;
}
