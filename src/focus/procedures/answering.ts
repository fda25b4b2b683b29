/**
 * How the clauses answer an INVITE: a 200 by 7.2.1.1, an SDP answer in it, sent, and the switch. Each clause has these
 * steps under ids of its own.
 */
import { STAGE } from '../decision.ts';
import { type Answer, type Caller, generalSteps, newAnswer } from '../general.ts';
import { answerText, chooseAcceptTypes, offerText } from '../media.ts';
import { withMaxLength } from '../policy/release.ts';
import { done, runSteps, type Step, type StepIds, skip, step, stop, type Trace } from '../procedure.ts';
import { putLegs } from '../user-plane.ts';
import type { Work } from '../work.ts';
import type { World } from '../world.ts';

/** A turn in which somebody may be answered. */
export interface AnsweringTurn {
  readonly work: Work;
  readonly world: World;
  readonly trace: Trace;
  answer?: Answer | undefined;
}

export interface AnswerIds {
  readonly build: StepIds;
  readonly sdp: StepIds;
  readonly types: StepIds;
  /** Where the clause has a statement for the attributes. */
  readonly attributes?: StepIds;
  readonly send: StepIds;
  readonly media: StepIds;
}

/** @param callerOf whose INVITE is to be answered; undefined: nobody's, and the procedure stops there */
export function answerSteps<C extends AnsweringTurn>(
  ids: AnswerIds,
  callerOf: (turn: C) => Caller | undefined,
): readonly Step<C>[] {
  const { attributes } = ids;
  return [
    step(ids.build, 'accept: build a 200 by 7.2.1.1', (turn) => {
      const caller = callerOf(turn);
      if (caller === undefined) return stop('the inviter has its final response');
      turn.answer = newAnswer(turn.work, turn.world, caller);
      runSteps(generalSteps, turn.answer, turn.trace);
      return done(`for ${caller.leg.dialog.remoteUri}`);
    }),
    step(ids.sdp, 'an SDP answer in it', ({ answer, world }) => {
      if (answer === undefined) return skip('there is no 200');
      // What this server supports, until the next step has chosen.
      const { acceptTypes } = world.settings.media;
      answer.description = { acceptTypes, hasOptionalAttributes: attributes === undefined };
      if (answer.offer === undefined) return done('an offer of ours: the INVITE had none');
      return done(`m-line ${answer.offer.index + 1} of ${answer.offer.session.media.length}`);
    }),
    step(ids.types, 'accept-types chosen of the offer', ({ answer, world }) => {
      if (answer?.description === undefined) return skip('there is no SDP answer');
      const { offer, typesOfOther } = answer;
      const permitted = world.settings.media.acceptTypes;
      const acceptTypes = chooseAcceptTypes(offer?.media.acceptTypes ?? permitted, typesOfOther, permitted);
      answer.description = { ...answer.description, acceptTypes };
      return done(`accept-types ${acceptTypes.join(' ')}`);
    }),
    ...(attributes === undefined ? [] : [attributesStep<C>(attributes)]),
    step(ids.send, 'send the 200', (turn) => {
      const { answer, work } = turn;
      if (answer?.status === undefined) return skip('there is no 200');
      sendAnswer(answer);
      return done(`once switch ${work.row.switchId} has confirmed the leg`);
    }),
    step(ids.media, 'work with the MSRP switch', ({ answer, work, world }) => {
      if (answer === undefined) return skip('there is no 200');
      putLegs(work, world, [answer.leg], true);
      return done(`switch ${work.row.switchId} is told of the leg`);
    }),
  ];
}

function attributesStep<C extends AnsweringTurn>(ids: StepIds): Step<C> {
  return step(ids, 'all attributes that go with the MSRP line', ({ answer }) => {
    if (answer?.description === undefined) return skip('there is no SDP answer');
    answer.description = { ...answer.description, hasOptionalAttributes: true };
    return done('accept-wrapped-types, max-size');
  });
}

function sendAnswer(answer: Answer): void {
  const { work, world, offer, description, status } = answer;
  const { transaction } = answer.work.legs.get(answer.leg.id) ?? {};
  if (transaction === undefined || status === undefined) throw new Error('This leg has no INVITE to answer.');
  const body =
    description === undefined
      ? undefined
      : offer === undefined
        ? offerText(work.row, world.settings, answer.leg.sessionId)
        : answerText(
            work.row,
            world.settings,
            answer.leg,
            offer,
            description.acceptTypes,
            description.hasOptionalAttributes,
          );
  const headers = [...answer.headers];
  if (body !== undefined) headers.push(['Content-Type', 'application/sdp']);
  answer.leg = work.legs.put({
    ...answer.leg,
    ...(body === undefined ? {} : { localSdp: body }),
    ...(offer === undefined ? { awaitsAnswer: true } : {}),
    sdpVersion: 1,
  });
  work.effect({
    stage: STAGE.reply,
    kind: 'reply',
    transaction,
    leg: answer.leg.id,
    makesDialog: true,
    reply: {
      ...status,
      toTag: answer.leg.dialog.localTag,
      headers,
      ...(body === undefined ? {} : { body }),
    },
  });
  if (work.row.phase === 'forming') {
    const begun = { ...work.row, phase: 'active', acceptTypes: description?.acceptTypes ?? [] } as const;
    work.row = withMaxLength(begun, world.settings.releasePolicy, world.nowMs);
  }
  const participant = work.participants.get(answer.leg.participant);
  if (participant !== undefined)
    work.event({ kind: 'participant-joined', session: work.row.id, participant: participant.address });
}
