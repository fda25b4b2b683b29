/** Where there are fewer processors than there is to do, decisions go first. */
import { getPriority, setPriority } from 'node:os';

const NICE = 10;

/** For this thread alone: on Linux a priority is a thread's, and 0 is the one that asks. @returns whether it was taken */
export function stepBack(): boolean {
  try {
    // Who was started further back stays there.
    if (getPriority(0) < NICE) setPriority(0, NICE);
    return true;
  } catch {
    return false; // A system that does not let go of priority: it is as it was before.
  }
}
