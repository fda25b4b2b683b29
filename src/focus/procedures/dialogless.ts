/** Requests that no conference procedure takes: OPTIONS, unknown methods, in-dialog requests without a dialog. */

import { formatUri, parseUri } from '../../sip/uri.ts';
import { forbidden, refusal } from '../decision.ts';
import { done, type Procedure, refuse, skip, step } from '../procedure.ts';
import { ALLOW, imFeatures, SUPPORTED, serverHeader } from '../responses.ts';
import type { RequestTurn } from '../turn.ts';
import { factoryMissing, looksLikeFactoryRequest } from './ad-hoc-set-up.ts';
import { conferenceMissing } from './group-steps.ts';
import { sessionOf, targetOf } from './target.ts';

export const options: Procedure<RequestTurn> = {
  clause: 'RFC3261-11.2',
  name: 'OPTIONS',
  steps: [
    step('RFC3261-11.2', 'tell what is supported', (turn) => {
      const { request, world } = turn;
      const target = targetOf(request, world);
      if (target === 'unknown' || (target === 'session' && sessionOf(request, world) === undefined))
        return refuse(conferenceMissing(world));
      // A factory makes conferences and is none (RFC 4579 section 3.1): only the others have a focus.
      const focus = target === 'factory' ? '' : ';isfocus';
      turn.reply = {
        code: 200,
        reason: 'OK',
        toTag: turn.toTag,
        headers: [
          ALLOW,
          ['Accept', 'application/sdp, multipart/mixed, application/resource-lists+xml'],
          ['Accept-Encoding', 'identity'],
          SUPPORTED,
          ['Allow-Events', 'conference'],
          ['Contact', `<${addressOf(request.uri)}>${focus};${imFeatures(world.settings)}`],
          serverHeader(world.settings),
        ],
      };
      return done('200');
    }),
  ],
};

/** The URI that was asked, without what only this request needed of it. */
function addressOf(uri: string): string {
  return formatUri({ ...parseUri(uri), params: new Map(), headers: new Map() });
}

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
    step('R-7.2.1.2-1', 'the conference-factory URI is allocated', ({ request, world }) =>
      looksLikeFactoryRequest(request)
        ? refuse(factoryMissing(world), `${request.uri} is not allocated (11.1)`)
        : skip('nothing in the request is for a factory'),
    ),
    step('R-7.2.1.3-1', 'the group identity is owned by this server', ({ request, world }) =>
      refuse(conferenceMissing(world), `${request.uri} is no conference of this server (11.2)`),
    ),
  ],
};
