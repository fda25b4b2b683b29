/** `POST /explain`: the decision of the focus, made in the admin's thread on what the store holds. */
import type { Logger } from 'pino';
import type { AdminView } from '../../admin/view.ts';
import type { Config } from '../../config/config.ts';
import { groupFiles } from '../../config/load.ts';
import { withPolicy } from '../../config/policy.ts';
import type { Conference } from '../../focus/conference.ts';
import type { World } from '../../focus/world.ts';
import type { StateReader } from '../../store/state-reader.ts';
import { explainIn, explanationView, supposedWorld } from '../explain.ts';
import { GroupDirectory } from '../groups.ts';
import type { PolicyInForce } from '../policy-in-force.ts';

export interface Explainer extends Pick<AdminView, 'explain'> {
  /** Sessions and groups as they are now, under the policy in force. */
  world(): World;
  close(): void;
}

export function explainer(
  policy: Pick<PolicyInForce, 'base' | 'config'>,
  reader: StateReader,
  log: Logger,
): Explainer {
  let groups: GroupDirectory | undefined;
  const groupsNow = () => {
    // Read at the first question: most runs of the admin are asked none.
    groups ??= new GroupDirectory(log, {
      listsFolder: policy.base.groupLists,
      recordsFile: policy.base.admin.sqlite,
    });
    groups.refresh(groupFiles(policy.base));
    groups.refreshManaged();
    return groups;
  };
  const worldOf = (config: Config, known: GroupDirectory): World => ({
    ...supposedWorld(config, known),
    ...storedSessions(reader),
  });
  return {
    explain({ message, src, trust, policy: candidate }) {
      const known = groupsNow();
      const checked = candidate === undefined ? undefined : withPolicy(policy.base, candidate);
      const config = checked?.ok === true ? checked.config : policy.config;
      const bytes = Buffer.from(message);
      return explanationView(
        explainIn(worldOf(config, known), known, config, { bytes, src, trust }, (query) =>
          reader.decisions(query),
        ),
      );
    },
    world: () => worldOf(policy.config, groupsNow()),
    close: () => groups?.close(),
  };
}

type SessionsOfWorld = Pick<
  World,
  | 'findConference'
  | 'findConferenceOfGroup'
  | 'findDialogs'
  | 'conferences'
  | 'sessionCount'
  | 'pendingInvites'
>;

/** Only what one question asks for is read, each session once. */
function storedSessions(reader: StateReader): SessionsOfWorld {
  const known = new Map<string, Conference | undefined>();
  const findConference = (id: string): Conference | undefined => {
    if (!known.has(id)) {
      const found = reader.session(id);
      known.set(id, found?.row.phase === 'ended' ? undefined : found);
    }
    return known.get(id);
  };
  return {
    findConference,
    findConferenceOfGroup: (key) => {
      const id = reader.sessionOfGroup(key);
      return id === undefined ? undefined : findConference(id);
    },
    findDialogs: (callId) => reader.dialogs(callId),
    conferences: () => reader.running(),
    sessionCount: () => reader.countSessions({}),
    pendingInvites: () => reader.pendingInvites(),
  };
}
