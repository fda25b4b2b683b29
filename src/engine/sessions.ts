/** The sessions that have not ended, in memory, with the ways to find them: by id, by group, by Call-ID. */
import type { Conference, LegRow } from '../focus/conference.ts';
import type { Changes } from '../focus/work.ts';
import type { DialogRef } from '../focus/world.ts';

export class Sessions {
  readonly #byId = new Map<string, Conference>();
  readonly #byGroup = new Map<string, string>();
  readonly #dialogs = new Map<string, DialogRef[]>();
  #pendingInvites = 0;

  get size(): number {
    return this.#byId.size;
  }

  /** INVITEs without a final response, theirs and ours. */
  get pendingInvites(): number {
    return this.#pendingInvites;
  }

  all(): IterableIterator<Conference> {
    return this.#byId.values();
  }

  byId(id: string): Conference | undefined {
    return this.#byId.get(id);
  }

  byGroup(groupKey: string): Conference | undefined {
    const id = this.#byGroup.get(groupKey);
    return id === undefined ? undefined : this.#byId.get(id);
  }

  dialogs(callId: string): readonly DialogRef[] {
    return this.#dialogs.get(callId) ?? [];
  }

  /** Adds a session that was loaded from the store. */
  add(conference: Conference): void {
    this.#byId.set(conference.row.id, conference);
    if (conference.row.groupKey !== undefined) this.#byGroup.set(conference.row.groupKey, conference.row.id);
    for (const leg of conference.legs.values()) {
      this.#index(leg.dialog.callId, conference.row.id, 'leg', leg.id);
      this.#pendingInvites += pending(leg);
    }
    for (const { id, dialog } of conference.subscriptions.values()) {
      this.#index(dialog.callId, conference.row.id, 'subscription', id);
    }
  }

  /** Takes over what a decision made of a session. */
  apply(conference: Conference, changes: Changes): void {
    const { id, groupKey, phase } = conference.row;
    const before = this.#byId.get(id);
    for (const change of changes.rows) {
      if (change.kind !== 'leg') continue;
      this.#pendingInvites += pending(conference.legs.get(change.id)) - pending(before?.legs.get(change.id));
    }
    if (before?.row.groupKey !== undefined && before.row.groupKey !== groupKey)
      this.#forgetGroup(before.row.groupKey, id);
    if (phase === 'ended') {
      this.#remove(before ?? conference);
      return;
    }
    this.#byId.set(id, conference);
    if (groupKey !== undefined) this.#byGroup.set(groupKey, id);
    for (const { kind, id: rowId, row } of changes.rows) {
      if (kind === 'participant') continue;
      const old = kind === 'leg' ? before?.legs.get(rowId) : before?.subscriptions.get(rowId);
      const callId = row !== undefined && 'dialog' in row ? row.dialog.callId : undefined;
      if (old?.dialog.callId === callId) continue;
      if (old !== undefined) this.#unindex(old.dialog.callId, id, rowId);
      if (callId !== undefined) this.#index(callId, id, kind, rowId);
    }
  }

  #remove(conference: Conference): void {
    const { id, groupKey } = conference.row;
    this.#byId.delete(id);
    if (groupKey !== undefined) this.#forgetGroup(groupKey, id);
    for (const leg of conference.legs.values()) this.#unindex(leg.dialog.callId, id, leg.id);
    for (const row of conference.subscriptions.values()) this.#unindex(row.dialog.callId, id, row.id);
  }

  #forgetGroup(groupKey: string, id: string): void {
    if (this.#byGroup.get(groupKey) === id) this.#byGroup.delete(groupKey);
  }

  #index(callId: string, conference: string, row: DialogRef['row'], id: string): void {
    const refs = this.#dialogs.get(callId);
    const ref = { conference, row, id };
    if (refs === undefined) this.#dialogs.set(callId, [ref]);
    else refs.push(ref);
  }

  #unindex(callId: string, conference: string, id: string): void {
    const refs =
      this.#dialogs.get(callId)?.filter((ref) => ref.conference !== conference || ref.id !== id) ?? [];
    if (refs.length === 0) this.#dialogs.delete(callId);
    else this.#dialogs.set(callId, refs);
  }
}

function pending(leg: LegRow | undefined): number {
  return leg?.state === 'offered' || leg?.state === 'inviting' ? 1 : 0;
}
