/** A FreeSWITCH as the tests of its users see it: a real one where there is a binary, else one that is played. */
import { startPlayedFreeSwitch } from './played.ts';
import { startRealFreeSwitch } from './real.ts';

/** Path of a `freeswitch` program; set by `npm run test:freeswitch`. */
const BINARY = process.env['PARLEY_FREESWITCH'];

export interface FreeSwitchOptions {
  readonly domain: string;
  readonly kamailioPort: number;
  /** Where the scripts, the dialplan and the chatplan of the project are. */
  readonly password: string;
}

/** A call with text, from the caller's side. */
export interface TextCall {
  say(text: string): Promise<void>;
  /** The next line that the caller is shown. */
  hear(): Promise<string>;
  hangUp(): Promise<void>;
  /** Resolves when the other side has hung up. */
  hungUp(): Promise<void>;
}

export interface VoiceCall {
  hangUp(): Promise<void>;
}

export interface FreeSwitch {
  readonly isReal: boolean;
  /** `host:port` */
  readonly eventSocket: string;
  /** URI of the profile `im`. */
  readonly sip: string;
  /** A call with text to the group, by who is said to be asserted. Rejects when it is refused. */
  callWithText(caller: string, group: string): Promise<TextCall>;
  /** A call into the voice room. */
  callRoom(caller: string, room: string): Promise<VoiceCall>;
  /** Runs a script of the project, as a dialplan or fs_cli does. @returns what it wrote */
  runScript(name: string, ...args: string[]): Promise<string>;
  /** Output of a command of its own; a played one knows few. */
  api(line: string): Promise<string>;
  /** The process is gone at once. */
  kill(): Promise<void>;
  stop(): Promise<void>;
}

export function startFreeSwitch(options: FreeSwitchOptions): Promise<FreeSwitch> {
  return BINARY === undefined ? startPlayedFreeSwitch(options) : startRealFreeSwitch(BINARY, options);
}
