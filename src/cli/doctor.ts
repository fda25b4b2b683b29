/** `parley doctor`: whether everything of a running stack fits together, and what to mend. */
import type { Finding, Verdict } from '../app/doctor/finding.ts';
import { createLogger } from '../app/logging.ts';
import type { Arguments } from './command.ts';
import { loadOrTell } from './load-config.ts';
import { shown } from './rest.ts';

const MARKS: Readonly<Record<Verdict, string>> = { good: '✓', warning: '!', fault: '✗', unknown: '?' };

export async function runDoctor(args: Arguments): Promise<number> {
  const loaded = loadOrTell(args.flags.get('config'));
  if (loaded === undefined) return 1;
  const { examineStack } = await import('../app/doctor/doctor.ts');
  const findings = await examineStack(loaded.config, createLogger('fatal', 'doctor'));
  const faults = findings.filter(({ verdict }) => verdict === 'fault').length;
  process.stdout.write(
    args.flags.has('json') ? `${JSON.stringify({ ok: faults === 0, findings })}\n` : asText(findings),
  );
  return faults === 0 ? 0 : 1;
}

/** Part by part; what to do stands below what is wrong. */
function asText(findings: readonly Finding[]): string {
  const lines: string[] = [];
  for (const part of new Set(findings.map((finding) => finding.part))) {
    lines.push(part);
    for (const { check, verdict, found, mend } of findings.filter((finding) => finding.part === part)) {
      lines.push(`  ${MARKS[verdict]} ${check}: ${found}`);
      if (mend !== undefined) lines.push(`      → ${mend}`);
    }
  }
  const count = (verdict: Verdict) => findings.filter((finding) => finding.verdict === verdict).length;
  lines.push('', `${count('good')} good, ${count('warning')} to think about, ${count('fault')} to mend`);
  return `${lines.map(shown).join('\n')}\n`;
}
