/** Calls into a real FreeSWITCH: a client with MSRP beside its audio, and one with audio alone. */
import { MsrpSession } from '../../../src/agents/msrp/session.ts';
import { msrpSdp, sdpBody, sdpOf } from '../../../src/agents/sdp.ts';
import { SipAgent } from '../../../src/agents/sip/agent.ts';
import type { TextCall, VoiceCall } from './free-switch.ts';

export class Callers {
  readonly #proxy: { readonly host: string; readonly port: number };
  readonly #domain: string;
  readonly #agents: SipAgent[] = [];
  readonly #sessions: MsrpSession[] = [];

  constructor(proxy: { readonly host: string; readonly port: number }, domain: string) {
    this.#proxy = proxy;
    this.#domain = domain;
  }

  async callWithText(caller: string, group: string): Promise<TextCall> {
    const msrp = await MsrpSession.open({ name: caller });
    this.#sessions.push(msrp);
    const sdp = msrpSdp({
      path: msrp.path,
      setup: 'active',
      acceptTypes: 'text/plain message/cpim',
      mediaBefore: ['m=audio 40000 RTP/AVP 0', 'a=sendonly'],
    });
    const dialog = await this.#call(caller, group, sdp);
    const answer = sdpOf(dialog.response);
    await msrp.connect(answer?.path ?? []);
    return {
      say: async (text) => {
        await msrp.send(text);
      },
      hear: async () => (await msrp.nextMessage()).text,
      hangUp: async () => {
        await dialog.dialog.bye();
        await msrp.close();
      },
      hungUp: async () => {
        await dialog.dialog.nextRequest('BYE');
      },
    };
  }

  async callRoom(caller: string, room: string): Promise<VoiceCall> {
    const sdp = [
      'v=0',
      'o=- 1 1 IN IP4 127.0.0.1',
      's=-',
      'c=IN IP4 127.0.0.1',
      't=0 0',
      'm=audio 40002 RTP/AVP 0',
      'a=sendrecv',
      '',
    ].join('\r\n');
    const { dialog } = await this.#call(caller, `sip:${room}@${this.#domain}`, sdp);
    return {
      hangUp: async () => {
        await dialog.bye();
      },
    };
  }

  async stop(): Promise<void> {
    await Promise.allSettled(this.#sessions.map((session) => session.close()));
    await Promise.allSettled(this.#agents.map((agent) => agent.stop()));
  }

  async #call(caller: string, to: string, sdp: string) {
    const agent = await SipAgent.start({ uri: caller, proxy: this.#proxy });
    this.#agents.push(agent);
    const call = agent.invite({ to, headers: [['X-IM-Asserted', `<${caller}>`]], body: sdpBody(sdp) });
    const dialog = await call.answered();
    return { dialog, response: await call.final() };
  }
}
