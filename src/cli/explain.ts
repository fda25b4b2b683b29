/** `parley explain FILE`: what would be answered to a raw SIP request, and why. Reads the store, writes and sends nothing. */
import { readFileSync } from 'node:fs';
import { BlockList, isIP } from 'node:net';
import { type Explanation, explainRequest, type Trust } from '../app/explain.ts';
import type { Config } from '../config/config.ts';
import type { TraceStep } from '../focus/decision.ts';
import type { Arguments } from './command.ts';
import { loadOrTell } from './load-config.ts';
import { createLogger } from './logging.ts';

const DEFAULT_SRC = '127.0.0.1:5060';

export async function runExplain(args: Arguments): Promise<number> {
  const [file] = args.operands;
  if (file === undefined) return usage('name the file with the SIP request, or - for standard input');
  const src = args.flags.get('src') ?? DEFAULT_SRC;
  const address = /^(?:\[(.+)\]|([^:]+)):\d{1,5}$/.exec(src);
  const ip = address?.[1] ?? address?.[2] ?? '';
  if (isIP(ip) === 0) return usage(`--src must be IP:PORT, not ${JSON.stringify(src)}`);
  const trust = args.flags.get('trust');
  if (trust !== undefined && !isTrust(trust))
    return usage(`--trust must be core, digest or none, not ${JSON.stringify(trust)}`);
  const loaded = loadOrTell(args.flags.get('config'));
  if (loaded === undefined) return 1;
  try {
    const explanation = explainRequest({
      config: loaded.config,
      bytes: readFileSync(file === '-' ? 0 : file),
      src,
      trust: trust ?? trustOf(ip, loaded.config),
      log: createLogger('error', 'explain'),
    });
    process.stdout.write(
      args.flags.has('json') ? `${JSON.stringify(asJson(explanation))}\n` : asText(explanation, src),
    );
    return 0;
  } catch (error) {
    process.stderr.write(`parley: explain: ${(error as Error).message}\n`);
    return 1;
  }
}

function usage(fault: string): number {
  process.stderr.write(`parley: explain: ${fault}\n`);
  return 2;
}

function isTrust(text: string): text is Trust {
  return text === 'core' || text === 'digest' || text === 'none';
}

/** As Kamailio would find it: trusted peers are the core; from elsewhere digest is asked for, and here taken as given. */
function trustOf(ip: string, { sip }: Config): Trust {
  const trusted = new BlockList();
  for (const cidr of sip.trustedPeers) {
    const [net = '', bits] = cidr.split('/');
    const family = isIP(net) === 6 ? 'ipv6' : 'ipv4';
    trusted.addSubnet(net, bits === undefined ? (family === 'ipv6' ? 128 : 32) : Number(bits), family);
  }
  return trusted.check(ip, isIP(ip) === 6 ? 'ipv6' : 'ipv4') ? 'core' : 'digest';
}

const MARKS: Readonly<Record<TraceStep['verdict'], string>> = {
  pass: '✓',
  done: '✓',
  skip: '·',
  stop: '■',
  refuse: '✗',
};

function asText({ request, originator, decision, reply, actions }: Explanation, src: string): string {
  const width = Math.max(...decision.trace.map(({ id }) => id.length), 0);
  const lines = [
    `${request.method} ${request.uri}`,
    `from ${src}, as ${originator ?? 'nobody: no identity is authenticated'}`,
    '',
    `${decision.clause}  ${decision.procedure}`,
    ...decision.trace.map(
      ({ id, title, verdict, found }) => `  ${MARKS[verdict]} ${id.padEnd(width)}  ${title}: ${found}`,
    ),
    '',
  ];
  if (reply === undefined) lines.push('→ no final answer yet: it follows what the invited users answer');
  else lines.push(`→ ${reply.code} ${reply.reason}`);
  for (const [name, value] of reply?.headers ?? []) if (name === 'Warning') lines.push(`  Warning: ${value}`);
  if (decision.refusal !== undefined)
    lines.push(`  because ${decision.trace.at(-1)?.found ?? decision.refusal.warning}`);
  for (const action of actions) lines.push(`  then ${action}`);
  lines.push('', 'Nothing was sent and nothing was changed.', '');
  return lines.join('\n');
}

function asJson({ request, originator, decision, reply, actions }: Explanation): object {
  return {
    method: request.method,
    target: request.uri,
    originator: originator ?? null,
    clause: decision.clause,
    procedure: decision.procedure,
    steps: decision.trace,
    status: reply?.code ?? null,
    warning: decision.refusal?.warning ?? null,
    actions,
  };
}
