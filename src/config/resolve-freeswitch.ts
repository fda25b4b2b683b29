/** `freeswitch`: addresses parsed, passwords read, rooms tied to their nodes. */
import { resolve as resolvePath } from 'node:path';
import type { Checker } from './checker.ts';
import type { Config } from './config.ts';
import type { ConfigDocument } from './schema.ts';

export function resolveFreeSwitch(
  { freeswitch, sip }: ConfigDocument,
  directory: string,
  checker: Checker,
): Config['freeswitch'] {
  const nodes = freeswitch.nodes.map((node, index) => {
    const key = `freeswitch.nodes[${index}]`;
    if (freeswitch.nodes.findIndex(({ id }) => id === node.id) !== index)
      checker.error(`${key}.id`, node.id, 'is taken by another node', 'give every node its own id');
    const { eventSocket, passwordFile, sip: uri, ...rest } = node;
    if (uri !== undefined) checker.sipUri(`${key}.sip`, uri, 'optional-user');
    const file = resolvePath(directory, passwordFile);
    const password = checker.secretFile(
      `${key}.passwordFile`,
      passwordFile,
      file,
      /^[\x21-\x7e]{8,128}$/,
      '8 to 128 printable characters without blanks',
    );
    const address = checker.control(`${key}.eventSocket`, eventSocket, 'is not encrypted');
    return { ...rest, ...address, password, ...(uri === undefined ? {} : { sip: uri }) };
  });
  return {
    ...freeswitch,
    nodes,
    identityDomains:
      freeswitch.identityDomains.length === 0
        ? [sip.domain.toLowerCase()]
        : freeswitch.identityDomains.map((domain, index) =>
            checker.domain(`freeswitch.identityDomains[${index}]`, domain),
          ),
    rooms: freeswitch.rooms.map(({ node = nodes[0]?.id ?? '', ...room }, index) => {
      const key = `freeswitch.rooms[${index}]`;
      checker.sipUri(`${key}.group`, room.group, 'user');
      checker.sipUri(`${key}.identity`, room.identity, 'user');
      if (!nodes.some(({ id }) => id === node))
        checker.error(`${key}.node`, node, 'is no node of freeswitch.nodes', 'name one of them');
      if (freeswitch.rooms.findIndex(({ name }) => name === room.name) !== index)
        checker.error(`${key}.name`, room.name, 'is mapped twice', 'map every room to one group');
      return { ...room, node };
    }),
  };
}
