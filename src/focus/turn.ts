/** What the steps of a procedure share while they work on one request, one response or one timer. */
import type { GroupDocument } from '../documents/group-model.ts';
import type { ResourceListEntry } from '../documents/resource-lists.ts';
import type { SipRequest, SipResponse } from '../sip/message.ts';
import type { LegRow, ParticipantRow } from './conference.ts';
import type { HeaderLine, SipReply } from './decision.ts';
import type { Answer } from './general.ts';
import type { AcceptableOffer } from './media.ts';
import type { Originator } from './originator.ts';
import type { Trace } from './procedure.ts';
import type { Work } from './work.ts';
import type { RequestOrigin, World } from './world.ts';

/** A request that opens something: an INVITE or SUBSCRIBE outside a dialog. Steps fill in what they find. */
export class RequestTurn {
  readonly world: World;
  readonly request: SipRequest;
  readonly origin: RequestOrigin;
  readonly trace: Trace;
  /** The tag of our side, whatever the answer will be. */
  readonly toTag: string;
  originator: Originator | undefined;
  displayName: string | undefined;
  /** Privacy was asked for and is allowed: the participant gets a chat alias. */
  isAnonymous = false;
  group: GroupDocument | undefined;
  offer: AcceptableOffer | undefined;
  /** What a trusted core charges by. */
  charging: readonly HeaderLine[] = [];
  /** The methods in Allow (R-7.2.1.4-4). */
  allow: readonly string[] = [];
  /** The 200 that is being built. */
  answer: Answer | undefined;
  list: readonly ResourceListEntry[] = [];
  #work: Work | undefined;
  participant: ParticipantRow | undefined;
  leg: LegRow | undefined;
  /** Of a session with a maximum: who has a seat, the sender left out. */
  seats: { readonly maximum: number; readonly taken: readonly ParticipantRow[] } | undefined;
  /** The sender is one of the server's History Functions: it takes no seat. */
  isHistory = false;
  /** A reply without any session behind it (a 200 to OPTIONS, a refused refresh). */
  reply: SipReply | undefined;

  constructor(world: World, request: SipRequest, origin: RequestOrigin, trace: Trace) {
    this.world = world;
    this.request = request;
    this.origin = origin;
    this.trace = trace;
    this.toTag = world.ids.token(50);
    this.originator = undefined;
    this.displayName = undefined;
    this.group = undefined;
    this.offer = undefined;
    this.#work = undefined;
    this.participant = undefined;
    this.leg = undefined;
    this.reply = undefined;
    this.answer = undefined;
    this.seats = undefined;
  }

  /** The conference that is worked on; steps before it was found or made must not ask. */
  get work(): Work {
    if (this.#work === undefined) throw new Error('No conference has been selected at this step.');
    return this.#work;
  }

  set work(work: Work) {
    this.#work = work;
  }

  get workIfAny(): Work | undefined {
    return this.#work;
  }

  /** Verified by the procedure's originator step. */
  get verified(): Originator {
    if (this.originator === undefined) throw new Error('The originator was not verified before this step.');
    return this.originator;
  }
}

/** Something that happens to an existing leg. */
export interface LegTurn {
  readonly world: World;
  readonly work: Work;
  readonly trace: Trace;
  leg: LegRow;
}

/** A request inside the dialog of a leg. */
export interface LegRequestTurn extends LegTurn {
  readonly request: SipRequest;
  readonly origin: RequestOrigin;
  /** What a trusted core charges by. */
  charging: readonly HeaderLine[];
}

/** A final or provisional response to our INVITE. */
export interface InviteeTurn extends LegTurn {
  readonly response: SipResponse;
}
