/** The contents page of the commands. Each is loaded only when it runs, so that `--help` stays quick. */
import type { Command, Flag } from './command.ts';
import { groupCommands } from './group-commands.ts';
import { policyCommands } from './policy-commands.ts';
import { sessionCommands } from './session-commands.ts';
import { webhookCommands } from './webhook-commands.ts';

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
      'Says what would be answered to a raw SIP request, and why, by the store as it is, or with --url by a running focus. Nothing is sent or changed.',
    usage:
      '[--config FILE | --url URL [--token TOKEN]] [--src IP:PORT] [--trust core|digest|none] [--json] FILE|-',
    flags: [
      CONFIG,
      { name: 'url', value: 'URL', about: 'the admin interface to ask, in place of the store' },
      { name: 'token', value: 'TOKEN', about: 'with --url; better in PARLEY_TOKEN' },
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
    summary: 'Checks a configuration and its group documents, and says all that is wrong with them.',
    usage: '[--json] [FILE]',
    flags: [
      {
        name: 'json',
        about: 'prints {ok, errors, groupFaults, warnings, needsKamailio} as one line of JSON',
      },
      CONFIG,
      HELP,
    ],
    maxOperands: 1,
    run: async (args) => (await import('./config-check.ts')).runConfigCheck(args),
  },
  {
    name: 'doctor',
    summary:
      'Looks at a running Kamailio, focus, switches and FreeSWITCH, whether they fit together, and says what to mend.',
    usage: '[--json] [--config FILE]',
    flags: [{ name: 'json', about: 'prints {ok, findings} as one line of JSON' }, CONFIG, HELP],
    run: async (args) => (await import('./doctor.ts')).runDoctor(args),
  },
  {
    name: 'token create',
    summary: 'Makes a token for the admin interface and prints it, this once.',
    usage: '[--name NAME] [--role viewer|operator|admin] [--expires-days N] [--json] [--config FILE]',
    flags: [
      { name: 'name', value: 'NAME', about: 'whose it is, as the audit log names it (default: its role)' },
      {
        name: 'role',
        value: 'ROLE',
        about: 'viewer reads (default); operator also acts on sessions; admin also edits',
      },
      {
        name: 'expires-days',
        value: 'N',
        about: 'after so many days it is not taken any more (default: never)',
      },
      { name: 'json', about: 'one line of JSON' },
      CONFIG,
      HELP,
    ],
    run: async (args) => (await import('./token.ts')).runTokenCreate(args),
  },
  {
    name: 'token list',
    summary: 'Lists the tokens: id, role, day made, name.',
    usage: '[--json] [--config FILE]',
    flags: [{ name: 'json', about: 'one line of JSON' }, CONFIG, HELP],
    run: async (args) => (await import('./token.ts')).runTokenList(args),
  },
  {
    name: 'token revoke',
    summary: 'Makes a token worthless at once.',
    usage: '[--config FILE] ID',
    flags: [CONFIG, HELP],
    maxOperands: 1,
    run: async (args) => (await import('./token.ts')).runTokenRevoke(args),
  },
  ...sessionCommands([CONFIG, HELP]),
  ...policyCommands([CONFIG, HELP]),
  ...groupCommands([CONFIG, HELP]),
  ...webhookCommands([CONFIG, HELP]),
];
