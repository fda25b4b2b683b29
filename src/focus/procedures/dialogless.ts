/** Requests that no conference procedure takes: OPTIONS, unknown methods, in-dialog requests without a dialog. */

import { forbidden, refusal } from '../decision.ts';
import { done, type Procedure, refuse, step } from '../procedure.ts';
import { ALLOW, SUPPORTED, serverHeader } from '../responses.ts';
import type { RequestTurn } from '../turn.ts';
import { looksLikeFactoryRequest } from './ad-hoc-set-up.ts';
import { CONFERENCE_MISSING } from './group-steps.ts';
import { targetOf } from './target.ts';

export const options: Procedure<RequestTurn> = {
  clause: 'RFC3261-11.2',
  name: 'OPTIONS',
  steps: [
    step('RFC3261-11.2', 'tell what is supported', (turn) => {
      if (targetOf(turn.request, turn.world) === 'unknown') return refuse(CONFERENCE_MISSING);
      turn.reply = {
        code: 200,
        reason: 'OK',
        toTag: turn.toTag,
        headers: [
          ALLOW,
          ['Accept', 'application/sdp, multipart/mixed, application/resource-lists+xml'],
          SUPPORTED,
          ['Allow-Events', 'conference'],
          serverHeader(turn.world.settings),
        ],
      };
      return done('200');
    }),
  ],
};

export const methodNotAllowed: Procedure<RequestTurn> = {
  clause: 'RFC3261-8.2.1',
  name: 'A method that is not served here',
  steps: [
    step('RFC3261-8.2.1', 'the method is served', ({ request }) =>
      refuse(refusal(405, 'Method Not Allowed', `${request.method} is not served here`, [ALLOW])),
    ),
  ],
};

export const noSuchDialog: Procedure<RequestTurn> = {
  clause: 'RFC3261-12.2.2',
  name: 'A request in a dialog that does not exist',
  steps: [
    step('RFC3261-12.2.2', 'the dialog exists', () =>
      refuse(refusal(481, 'Call/Transaction Does Not Exist', 'no such dialog here')),
    ),
  ],
};

export const dialogNotReused: Procedure<RequestTurn> = {
  clause: 'RFC6665-4.5.2',
  name: 'A subscription in the dialog of an INVITE',
  steps: [
    step('RFC6665-4.5.2', 'a subscription has a dialog of its own', () =>
      refuse(forbidden('SUBSCRIBE in the dialog of an INVITE: ask outside of it')),
    ),
  ],
};

export const nobodyThere: Procedure<RequestTurn> = {
  clause: '11.2',
  name: 'A URI that is no conference',
  steps: [
    step('11.1/11.2', 'the Request-URI is a factory, group or session of this server', ({ request }) =>
      looksLikeFactoryRequest(request)
        ? refuse(
            refusal(404, 'Not Found', 'Conference-factory URI does not exist'),
            `R-7.2.1.2-1: ${request.uri} is not allocated (11.1)`,
          )
        : refuse(CONFERENCE_MISSING, `R-7.2.1.3-1: ${request.uri} is no conference of this server (11.2)`),
    ),
  ],
};
