/** Numbers with the word for what they count. */

/** `1 member`, `5 members`. */
export function counted(count: number, one: string): string {
  return `${count} ${one}${count === 1 ? '' : 's'}`;
}

/** `at most 20 participants`; `null` is no limit. */
export function atMost(participants: number | null): string {
  return participants === null
    ? 'any number of participants'
    : `at most ${counted(participants, 'participant')}`;
}
