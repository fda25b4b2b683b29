import assert from 'node:assert/strict';
import test from 'node:test';
import { resolvePorts } from '../../../src/app/ports.ts';
import type { Config } from '../../../src/config/config.ts';
import { listeners } from '../../../src/config/listeners.ts';
import { loadConfig } from '../../../src/config/load.ts';

/** Enough that two of them surely meet when they do not know of each other. */
const RUNS = 120;

function withPortsOf0(): Config {
  const loaded = loadConfig({ env: {} });
  assert(loaded.ok);
  const { config } = loaded;
  const at0 = <A extends object>(address: A) => ({ ...address, port: 0 });
  return {
    ...config,
    sip: { ...config.sip, listen: config.sip.listen.map(at0) },
    kamailio: {
      ...config.kamailio,
      rpc: { ...config.kamailio.rpc, listen: at0(config.kamailio.rpc.listen) },
      jsonRpc: { ...config.kamailio.jsonRpc, listen: at0(config.kamailio.jsonRpc.listen) },
    },
    admin: { ...config.admin, listen: at0(config.admin.listen) },
    eventSocket: { ...config.eventSocket, listen: at0(config.eventSocket.listen) },
    msrp: { ...config.msrp, listen: config.msrp.listen.map(at0) },
  };
}

const portsOf = (config: Config) => [...new Set(listeners(config).map(({ port }) => port))];

test('runs that choose their ports at the same time, before any of them listens, choose different ones', async () => {
  const runs = await Promise.all(Array.from({ length: RUNS }, () => resolvePorts(withPortsOf0())));
  const all = runs.flatMap(portsOf);
  assert.equal(new Set(all).size, all.length);
  const [first = []] = runs.map(portsOf);
  assert.ok(first.length >= 6, 'SIP, RPC, JSON-RPC, admin, event socket, MSRP');
  for (const port of all) assert.ok(port >= 12_000 && port < 32_000, String(port));
});
