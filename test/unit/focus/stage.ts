/** A focus without engine or network: decisions on a world that takes over what each of them changed. */

import assert from 'node:assert/strict';
import type { GroupDocument, GroupRule } from '../../../src/documents/group-model.ts';
import { EndedDialogs } from '../../../src/engine/ended-dialogs.ts';
import { Sessions } from '../../../src/engine/sessions.ts';
import type { Conference, LegRow } from '../../../src/focus/conference.ts';
import { type Decision, decideCancel, decideRequest } from '../../../src/focus/decide.ts';
import {
  type DeadlineName,
  decideAck,
  decideDeadline,
  decideResponse,
} from '../../../src/focus/decide-outcome.ts';
import type { Effect, SipReply } from '../../../src/focus/decision.ts';
import { readingsOf } from '../../../src/focus/readings.ts';
import type { FocusSettings, RequestOrigin, SwitchChoice, World } from '../../../src/focus/world.ts';
import type { IdSource } from '../../../src/lib/ids.ts';
import { addressKey, canonicalAddress } from '../../../src/sip/uri.ts';
import {
  DOMAIN,
  FACTORY,
  listBody,
  type RequestOptions,
  sdp,
  sipRequest,
  sipResponse,
  user,
} from './messages.ts';

export const START_MS = 1_800_000_000_000;

export const SETTINGS: FocusSettings = {
  domain: DOMAIN,
  host: `${DOMAIN}:5080`,
  release: 'IM-serv/OMA1.0 Parley/test',
  factories: [FACTORY],
  sessionPrefix: 'im-s-',
  adHoc: {
    maxParticipants: 4,
    allowEmptyList: false,
    failureCode: 'lowest',
    mayInitiate: 'everybody',
    mayAdd: 'participants',
    mayRemove: 'initiator',
    allowAnonymity: true,
    recipientListHistory: 'when-marked',
  },
  groupSessions: {},
  session: { expiresS: 1800, minSeS: 90 },
  inviteTimeoutS: 60,
  strandedS: 60,
  t1Ms: 500,
  errors: {
    factoryMissing: 'Conference-factory URI does not exist',
    conferenceMissing: 'Conference URI does not exist',
  },
  displayNamePriority: ['pai', 'from', 'group'],
  notifyMinIntervalMs: 500,
  notifyMaxBytes: 60_000,
  readings: readingsOf('oma-strict'),
  history: { functions: [], invokers: 'participants', showInRoster: true },
  releasePolicy: {
    adHocMinimum: 2,
    groupMinimum: 2,
    chatGroupMinimum: 1,
    whenInitiatorLeaves: [],
    whenKeyParticipantLeaves: 'any',
    maxLengthS: {},
    idleS: {},
  },
  media: { acceptTypes: ['message/cpim', 'text/plain'], acceptWrappedTypes: ['*'] },
  limits: {
    maxSessions: 100,
    maxPendingInvites: 100,
    maxBodyBytes: 20_000,
    maxSubscriptionsPerUser: 2,
    maxSubscriptionExpiresS: 7200,
    maxListEntries: 10,
  },
};

/** Every token is new and says in which order it was made. */
export class CountedIds implements IdSource {
  #count = 0;

  token(): string {
    this.#count += 1;
    return `t${String(this.#count).padStart(5, '0')}`;
  }
}

const MEMBER_RULE: GroupRule = {
  id: 'members',
  conditions: { members: true },
  grant: { initiate: true, join: true, conferenceState: true },
};

export function group(
  name: string,
  members: readonly string[],
  options: Partial<GroupDocument> = {},
): GroupDocument {
  return {
    uri: user(name),
    members: members.map((member) => ({ uri: user(member) })),
    externals: [],
    inviteMembers: true,
    rules: [MEMBER_RULE],
    extensions: [],
    ...options,
  };
}

type EffectOf<K extends Effect['kind']> = Extract<Effect, { readonly kind: K }>;

export function effectsOf(decision: Decision | undefined): readonly Effect[] {
  return decision?.changes?.effects ?? decision?.looseEffects ?? [];
}

export function ofKind<K extends Effect['kind']>(decision: Decision | undefined, kind: K): EffectOf<K>[] {
  return effectsOf(decision).filter((effect): effect is EffectOf<K> => effect.kind === kind);
}

export function requestsOf(decision: Decision | undefined, method: string): EffectOf<'request'>[] {
  return ofKind(decision, 'request').filter((effect) => effect.method === method);
}

export interface OriginOptions {
  readonly asserted?: readonly string[];
  readonly src?: string;
}

export class Stage {
  nowMs = START_MS;
  readonly sessions = new Sessions();
  readonly ended = new EndedDialogs(100);
  readonly groups = new Map<string, GroupDocument>();
  readonly ids = new CountedIds();
  settings: FocusSettings;
  placement: SwitchChoice | undefined = { id: 'switch-1', host: '192.0.2.1', port: 2855 };
  #transactions = 0;

  constructor(settings: Partial<FocusSettings> = {}, groups: readonly GroupDocument[] = []) {
    this.settings = { ...SETTINGS, ...settings };
    for (const document of groups) this.groups.set(canonicalAddress(document.uri), document);
  }

  world(): World {
    const { sessions } = this;
    return {
      settings: this.settings,
      ids: this.ids,
      nowMs: this.nowMs,
      findGroup: (address) => this.groups.get(address),
      findConference: (id) => sessions.byId(id),
      findConferenceOfGroup: (key) => sessions.byGroup(key),
      findDialogs: (callId) => sessions.dialogs(callId),
      endedDialogs: (callId, localTag) => this.ended.tags(callId, localTag),
      conferences: () => this.sessions.all(),
      sessionCount: () => sessions.size,
      pendingInvites: () => sessions.pendingInvites,
      chooseSwitch: () => this.placement,
    };
  }

  /** Takes a decision over, as the engine does after its commit. */
  take<D extends Decision | undefined>(decision: D): D {
    if (decision?.changes !== undefined && decision.conference !== undefined) {
      const before = this.sessions.byId(decision.conference.row.id);
      assert.equal(decision.changes.baseRevision, before?.row.revision ?? -1);
      assertSwitchOrder(decision);
      this.ended.addEnded(decision.changes, before);
      this.sessions.apply(decision.conference, decision.changes);
    }
    if (decision?.endedDialog !== undefined) this.ended.add(decision.endedDialog);
    return decision;
  }

  /** A request of somebody whose identity the edge asserts (their From address unless told otherwise). */
  request(options: RequestOptions & OriginOptions = {}): Decision {
    return this.take(decideRequest(this.world(), sipRequest(options), this.origin(options)));
  }

  origin(options: OriginOptions & { readonly from?: string } = {}): RequestOrigin {
    this.#transactions += 1;
    return {
      transaction: { kam: 'k1', epoch: 'e1', tid: `tid-${this.#transactions}` },
      src: options.src ?? 'tcp:198.51.100.7:40000',
      rcv: 'tcp:192.0.2.1:5060',
      asserted: options.asserted ?? [`<${options.from ?? user('alice')}>`],
      trust: 'digest',
    };
  }

  cancel(options: RequestOptions): Decision | undefined {
    return this.take(decideCancel(this.world(), sipRequest({ ...options, method: 'CANCEL' })));
  }

  /** With the number of the INVITE that the dialog's user sent last, unless told otherwise by `extra`. */
  ack(options: RequestOptions): Decision | undefined {
    const legs = [...this.theOnly().legs.values()];
    const leg = legs.find(({ dialog }) => dialog.localTag === options.toTag);
    const cseq = leg?.inviteCSeq ?? 1;
    return this.take(decideAck(this.world(), sipRequest({ ...options, cseq, method: 'ACK' })));
  }

  respond(
    to: { readonly headers: EffectOf<'request'>['headers'] },
    options: Parameters<typeof sipResponse>[1],
  ): Decision | undefined {
    return this.take(decideResponse(this.world(), sipResponse(to.headers, options)));
  }

  /** The invited user takes the call. */
  answer(
    invite: EffectOf<'request'>,
    options: Partial<Parameters<typeof sipResponse>[1]> = {},
  ): Decision | undefined {
    return this.respond(invite, {
      status: 200,
      reason: 'OK',
      toTag: 'far',
      contact: `<${invite.requestUri};transport=tcp>`,
      body: sdp({ setup: 'active' }),
      ...options,
    });
  }

  deadline(leg: LegRow, name: DeadlineName): Decision | undefined {
    const conference = this.theOnly().row.id;
    return this.take(decideDeadline(this.world(), { conference, row: 'leg', id: leg.id, name }));
  }

  theOnly(): Conference {
    const [first, second] = [...this.sessions.all()];
    assert(first !== undefined && second === undefined, `${this.sessions.size} sessions instead of one`);
    return first;
  }

  legOf(name: string): LegRow {
    const conference = this.theOnly();
    const found = [...conference.legs.values()].findLast(({ participant }) =>
      conference.participants.get(participant)?.keys.includes(addressKey(user(name))),
    );
    assert(found !== undefined, `${name} has no leg`);
    return found;
  }

  presence(): Record<string, string> {
    return Object.fromEntries(
      [...this.theOnly().participants.values()].map(({ address, presence }) => [
        address.replace(/^sip:|@.*$/g, ''),
        presence,
      ]),
    );
  }

  /** alice sets a session up with these; returns the decision and the invitations in list order. */
  adHoc(invited: readonly string[] = ['bob', 'carol'], options: RequestOptions = {}) {
    const decision = this.request({ callId: 'alice-1', ...listBody(invited.map(user)), ...options });
    return { decision, invites: requestsOf(decision, 'INVITE') };
  }

  /** A running session of alice, bob and carol. */
  running(): void {
    const { invites } = this.adHoc();
    for (const invite of invites) this.answer(invite);
    this.ack(this.inDialog('alice'));
  }

  /** What puts a request into the dialog of a user's last leg or subscription, seen from that user. */
  inDialog(
    name: string,
    row: { readonly dialog: LegRow['dialog'] } = this.legOf(name),
  ): Required<Pick<RequestOptions, 'uri' | 'from' | 'fromTag' | 'toTag' | 'callId' | 'cseq'>> {
    const { dialog } = row;
    return {
      uri: this.theOnly().row.identity,
      from: user(name),
      fromTag: dialog.remoteTag,
      toTag: dialog.localTag,
      callId: dialog.callId,
      cseq: (dialog.remoteCSeq ?? 0) + 1,
    };
  }
}

/** The switch ignores what is below the revision that it holds: commands must leave in the order they were made. */
export function assertSwitchOrder(decision: Decision): void {
  const commands = ofKind(decision, 'switch').toSorted((a, b) => a.stage - b.stage);
  const revisions = commands.map(({ body }) => (body as { revision: number }).revision);
  assert.deepEqual(
    revisions,
    revisions.toSorted((a, b) => a - b),
    `${decision.procedure}: switch commands out of order`,
  );
}

export function warningOf(reply: SipReply | undefined): string {
  return reply?.headers.find(([name]) => name === 'Warning')?.[1] ?? '';
}

export function headerOf(
  reply: { readonly headers: SipReply['headers'] } | undefined,
  name: string,
): string | undefined {
  return reply?.headers.find(([known]) => known.toLowerCase() === name.toLowerCase())?.[1];
}
