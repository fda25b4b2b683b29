/** The focus, as its admin interface tells of it. */
import { formatHostPort, reachableHost } from '../../config/address.ts';
import type { Config } from '../../config/config.ts';
import { type Finding, Findings } from './finding.ts';

const TIMEOUT_MS = 3000;

export async function examineFocus(config: Config): Promise<Finding[]> {
  const to = new Findings('focus');
  const { host, port } = config.admin.listen;
  if (port === 0) {
    to.unknown('admin interface', 'admin.listen has a free port');
    return to.all;
  }
  const url = `http://${formatHostPort({ host: reachableHost(host), port })}/readyz`;
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(TIMEOUT_MS) });
    const text = await response.text();
    if (response.ok) to.good('readiness', 'it serves');
    else to.fault('readiness', reasons(text), 'each reason names what is missing; start it, or see its log');
  } catch (error) {
    const { cause, message } = error as Error;
    const why = cause instanceof Error ? cause.message : message;
    to.fault(
      'admin interface',
      `${url}: ${why}`,
      `is it running? ${config.kamailio.manage ? 'parley up' : 'parley focus'} --config FILE`,
    );
  }
  return to.all;
}

function reasons(text: string): string {
  try {
    const { reasons: listed } = JSON.parse(text) as { reasons?: unknown };
    if (Array.isArray(listed)) return listed.map(String).join('; ');
  } catch {
    // told as it came
  }
  return text.slice(0, 200);
}
