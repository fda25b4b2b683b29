/** What `parley explain` prints: first the answer, for who wants no more; then how it came about. */
import type { ExplanationView } from '../admin/view.ts';
import { shown } from './rest.ts';
import { stepLines } from './step-lines.ts';

const TRUST: Readonly<Record<ExplanationView['trust'], string>> = {
  core: 'a trusted peer: its P-Asserted-Identity counts',
  digest: 'no trusted peer: taken as logged in by digest, as From says',
  none: 'taken as not authenticated',
};

/** The same whoever made it, the store or a running focus; nothing of it reaches the terminal as a command. */
export function explanationText(view: ExplanationView): string {
  const { clause, procedure, steps, rule, reply, method, target, src, trust, originator } = view;
  return [
    view.answer,
    ...view.details,
    ...section('To change that, one of these:', view.remedies.map(bullet)),
    ...section(
      'Answered before, by its Call-ID (the above is how it would be now):',
      view.earlier.map(bullet),
    ),
    ...section(`What was looked at, by ${clause} ${procedure}:`, stepLines(steps)),
    ...section('Rule:', rule === null ? [] : [`  ${rule}`]),
    ...section('On the wire:', reply === null ? [] : wire(reply)),
    ...section(reply === null ? 'Sent:' : 'Sent besides:', view.actions.map(bullet)),
    '',
    `${method} ${target} from ${src}, as ${originator ?? 'nobody'} (${TRUST[trust]}).`,
    'Nothing was sent and nothing was changed.',
    '',
  ]
    .map(shown)
    .join('\n');
}

function section(title: string, lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : ['', title, ...lines];
}

const bullet = (line: string): string => `  - ${line}`;

function wire({ status, reason, headers }: NonNullable<ExplanationView['reply']>): string[] {
  return [`  SIP/2.0 ${status} ${reason}`, ...headers.map(({ name, value }) => `  ${name}: ${value}`)];
}
