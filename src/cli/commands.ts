/** The contents page of the commands. Each is loaded only when it runs, so that `--help` stays quick. */
import type { Command, Flag } from './command.ts';

const CONFIG: Flag = {
  name: 'config',
  value: 'FILE',
  about: 'the YAML configuration; without it defaults and PARLEY_* variables',
};
const HELP: Flag = { name: 'help', about: 'this text' };
const RESOLVED: Flag = { name: 'resolved', value: 'FILE', about: 'written by up', internal: true };

export const COMMANDS: readonly Command[] = [
  {
    name: 'up',
    summary: 'Runs the whole stack in the foreground: Kamailio, the focus and the switches.',
    usage: '[--config FILE]',
    flags: [CONFIG, HELP],
    run: async (args) => (await import('./up.ts')).runUp(args),
  },
  {
    name: 'focus',
    summary: 'Runs the focus alone, for a Kamailio that somebody else runs (kamailio.manage: false).',
    usage: '--config FILE',
    flags: [CONFIG, RESOLVED, HELP],
    run: async (args) => (await import('./attached.ts')).runFocus(args),
  },
  {
    name: 'switch',
    summary: 'Runs one MSRP switch alone.',
    usage: '--config FILE [--index N]',
    flags: [
      CONFIG,
      { name: 'index', value: 'N', about: 'which switch process this is, from 0: it takes every port + N' },
      RESOLVED,
      HELP,
    ],
    run: async (args) => (await import('./attached.ts')).runSwitch(args),
  },
  {
    name: 'demo',
    summary: 'Starts a stack on loopback, lets user agents hold a conversation, and prints the transcript.',
    usage: '[--verbose | --json] [--no-color]',
    flags: [
      { name: 'verbose', about: 'every message whole, every step of every decision' },
      { name: 'json', about: 'one JSON document with scenes, checks and messages, at the end' },
      { name: 'no-color', about: 'no colours; NO_COLOR and a stdout that is no terminal do the same' },
      HELP,
    ],
    run: async (args) => (await import('./demo-entry.ts')).runDemoCommand(args),
  },
  {
    name: 'explain',
    summary:
      'Says what would be answered to a raw SIP request, and why, by the store as it is. Nothing is sent or changed.',
    usage: '[--config FILE] [--src IP:PORT] [--trust core|digest|none] [--json] FILE',
    flags: [
      CONFIG,
      { name: 'src', value: 'IP:PORT', about: 'where the request comes from (default 127.0.0.1:5060)' },
      {
        name: 'trust',
        value: 'LEVEL',
        about: 'core: its P-Asserted-Identity counts; digest: its From; none. Default: by sip.trustedPeers',
      },
      { name: 'json', about: 'one line of JSON' },
      HELP,
    ],
    maxOperands: 1,
    run: async (args) => (await import('./explain.ts')).runExplain(args),
  },
  {
    name: 'config check',
    summary: 'Checks a configuration and says all that is wrong with it.',
    usage: '[--json] [FILE]',
    flags: [
      { name: 'json', about: 'prints {ok, errors, warnings, needsKamailio} as one line of JSON' },
      CONFIG,
      HELP,
    ],
    maxOperands: 1,
    run: async (args) => (await import('./config-check.ts')).runConfigCheck(args),
  },
];
