/** Two keys that want the same port are told of before anything is started. */
import type { Checker } from './checker.ts';
import type { Config } from './config.ts';
import { type Listener, listeners } from './listeners.ts';

const MAX_PORT = 65535;

export function checkPortsDiffer(config: Config, checker: Checker): void {
  const seen: Listener[] = [];
  const told = new Set<string>();
  for (const listener of listeners(config)) {
    if (listener.port === 0 || told.has(listener.key)) continue;
    if (listener.port > MAX_PORT) {
      told.add(listener.key);
      checker.error(
        listener.key,
        listener.text,
        `of switch process ${listener.process} has no port left`,
        `lower the port or switch.processes`,
      );
      continue;
    }
    const other = seen.find((earlier) => collide(earlier, listener));
    if (other !== undefined) {
      told.add(listener.key);
      const who = listener.process === undefined ? '' : ` of switch process ${listener.process}`;
      checker.error(
        listener.key,
        listener.text,
        `${who.trimStart()}${who === '' ? '' : ' '}wants the port of ${other.key} (${other.text})`,
        'choose another port (switch process i takes port + i)',
      );
    }
    seen.push(listener);
  }
}

function collide(a: Listener, b: Listener): boolean {
  const wildcard = (host: string) => host === '0.0.0.0' || host === '::';
  const sameHost = a.host === b.host || wildcard(a.host) || wildcard(b.host);
  return a.transport === b.transport && a.port === b.port && sameHost;
}
