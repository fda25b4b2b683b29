/** `parley explain FILE`: what would be answered to a raw SIP request, and why. Reads the store, writes and sends nothing. */
import type { ExplanationView } from '../admin/view.ts';
import { explainRequest, explanationView, type Trust } from '../app/explain.ts';
import { createLogger } from '../app/logging.ts';
import { CodedError, ParseError } from '../lib/errors.ts';
import type { Arguments } from './command.ts';
import { explanationText } from './explanation-text.ts';
import { readInput } from './input-file.ts';
import { loadOrTell } from './load-config.ts';
import { withRest } from './rest.ts';

export async function runExplain(args: Arguments): Promise<number> {
  const [file] = args.operands;
  if (file === undefined) return usage('name the file with the SIP request, or - for standard input');
  const trust = args.flags.get('trust');
  if (trust !== undefined && !isTrust(trust))
    return usage(`--trust must be core, digest or none, not ${JSON.stringify(trust)}`);
  if (args.flags.has('url')) return explainOverRest(args, file);
  const loaded = loadOrTell(args.flags.get('config'));
  if (loaded === undefined) return 1;
  try {
    const explanation = explainRequest({
      config: loaded.config,
      bytes: readInput(file),
      src: args.flags.get('src'),
      trust,
      log: createLogger('error', 'explain'),
    });
    return tell(args, explanationView(explanation));
  } catch (error) {
    if (error instanceof CodedError && error.code === 'SIP_BAD_SOURCE') return usage(`--${error.message}`);
    process.stderr.write(`parley: explain: ${faultOf(error as Error, file)}\n`);
    return 1;
  }
}

function faultOf(error: Error, file: string): string {
  if (!(error instanceof ParseError)) return error.message;
  return `${file === '-' ? 'standard input' : file} has no SIP request: ${error.message}. It begins with a line such as INVITE sip:… SIP/2.0; header fields, an empty line and the body follow`;
}

/** By the focus that runs there. */
async function explainOverRest(args: Arguments, file: string): Promise<number> {
  const { flags } = args;
  return withRest('explain', flags, async (rest) => {
    const body = { message: readInput(file).toString(), src: flags.get('src'), trust: flags.get('trust') };
    const view = await rest.json<ExplanationView>('POST', '/api/v1/explain', { body });
    return tell(args, view);
  });
}

function tell({ flags }: Arguments, view: ExplanationView): number {
  process.stdout.write(flags.has('json') ? `${JSON.stringify(view)}\n` : explanationText(view));
  return 0;
}

function usage(fault: string): number {
  process.stderr.write(`parley: explain: ${fault}\n`);
  return 2;
}

function isTrust(text: string): text is Trust {
  return text === 'core' || text === 'digest' || text === 'none';
}
