/** What the page expects of REST is what the server's types give. The compiler checks it; the test holds the file in a suite. */
import assert from 'node:assert/strict';
import test from 'node:test';
import type { Static } from 'typebox';
import type { DecisionSummary as FedDecision } from '../../../src/admin/live/feed.ts';
import type { Problem } from '../../../src/admin/problem.ts';
import type {
  SavedGroup as ServedGroup,
  GroupPage as ServedGroupPage,
} from '../../../src/admin/routes/groups-schema.ts';
import type { WhoAmI as ServedWhoAmI } from '../../../src/admin/routes/tokens-schema.ts';
import type {
  DecisionView,
  ExplanationView,
  Readiness as ReadinessView,
  SessionSummaryView,
  SessionView,
  SwitchView,
} from '../../../src/admin/view.ts';
import type {
  Decision,
  DecisionSummary,
  Explanation,
  GroupPage,
  ProblemBody,
  Readiness,
  SavedGroup,
  Session,
  SessionSummary,
  SwitchState,
  WhoAmI,
} from '../../../src/page/net/shapes.ts';

type Serves<Expected, _Served extends Expected> = true;

test('what the page reads is what REST answers', () => {
  const served: readonly [
    Serves<SessionSummary, SessionSummaryView>,
    Serves<Session, SessionView>,
    Serves<Decision, DecisionView>,
    Serves<DecisionSummary, FedDecision>,
    Serves<Explanation, ExplanationView>,
    Serves<SwitchState, SwitchView>,
    Serves<Readiness, ReadinessView>,
    Serves<ProblemBody, Static<typeof Problem>>,
    Serves<WhoAmI, Static<typeof ServedWhoAmI>>,
    Serves<GroupPage, Static<typeof ServedGroupPage>>,
    Serves<SavedGroup, Static<typeof ServedGroup>>,
  ] = [true, true, true, true, true, true, true, true, true, true, true];
  assert(served.every(Boolean));
});
