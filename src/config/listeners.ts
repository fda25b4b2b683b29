/** Every socket that a configuration opens, with the key it comes from. */
import { formatListen, type HostPort, shiftPort } from './address.ts';
import type { Config } from './config.ts';

export interface Listener extends HostPort {
  /** `msrp.listen[0]` */
  readonly key: string;
  readonly transport: 'tcp' | 'udp';
  /** `tcp:127.0.0.1:2856`, as a person would write it. */
  readonly text: string;
  /** Which switch process, where that matters. */
  readonly process?: number;
}

/** What `up` opens: SIP and RPC of a managed Kamailio, and the sockets of focus and switches. */
export function listeners(config: Config): Listener[] {
  const all: Listener[] = [];
  const add = (key: string, address: HostPort & { proto?: string }, process?: number) => {
    const transport = address.proto === 'udp' ? 'udp' : 'tcp';
    const text = formatListen({ ...address, proto: address.proto ?? 'tcp' });
    all.push({
      key,
      transport,
      text,
      host: address.host,
      port: address.port,
      ...(process === undefined ? {} : { process }),
    });
  };
  if (config.kamailio.manage) {
    for (const [index, address] of config.sip.listen.entries()) add(`sip.listen[${index}]`, address);
    add('kamailio.rpc.listen', config.kamailio.rpc.listen);
  }
  add('kamailio.jsonRpc.listen', config.kamailio.jsonRpc.listen);
  add('admin.listen', config.admin.listen);
  for (let process = 0; process < config.switch.processes; process++) {
    add('eventSocket.listen', shiftPort(config.eventSocket.listen, process), process);
    for (const [index, address] of config.msrp.listen.entries()) {
      add(`msrp.listen[${index}]`, shiftPort(address, process), process);
    }
  }
  return all;
}
