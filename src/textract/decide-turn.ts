/** What decides whether a Start has its turn. Times in milliseconds. */
export interface LineState {
  /** Job slots that are free by the ledger; infinite where nothing limits them. */
  freeSlots: number;
  /** Requests that the rate has a place for within the time that a worker may wait; infinite without a rate. */
  places: number;
  /** Those ahead that will ask within seconds. */
  aheadSoon: number;
  /** All ahead, as far as they were counted. */
  ahead: number;
  /** Textract said a moment ago that all its slots are taken: nobody asks for this long. */
  heldMilliseconds: number;
  /** Starts a second that the line moves by at most; infinite without a rate. */
  perSecond: number;
}

export type TurnDecision = { admitted: true } | { admitted: false; waitMilliseconds: number; why: "slots" | "turn" };

const shortestWait = 500;
const longestWait = 600_000;
/** Without a rate of its own a line is taken to move no faster than this, Starts a second. */
const assumedPerSecond = 10;

/**
 * Whether the one that asks may start now. A free slot belongs to the first in line, whoever asks earlier; those far
 * behind ask seldom, so that a backlog of thousands costs little.
 */
export function decideTurn(line: LineState): TurnDecision {
  const { freeSlots, places, aheadSoon, ahead, heldMilliseconds, perSecond } = line;
  if (heldMilliseconds <= 0 && aheadSoon < Math.min(freeSlots, places)) return { admitted: true };
  const turnIn = (ahead / Math.min(perSecond, assumedPerSecond)) * 1000;
  const waitMilliseconds = heldMilliseconds + Math.min(longestWait, Math.max(shortestWait, turnIn));
  return { admitted: false, waitMilliseconds, why: freeSlots < 1 || heldMilliseconds > 0 ? "slots" : "turn" };
}

/**
 * How many requests have a place within a time, by the clock of generic cell rate: the next is due at `dueIn`, further
 * ones an interval apart each.
 * @param dueInSeconds negative when the next one could have gone earlier; at most the tolerance counts
 */
export function placesWithin(dueInSeconds: number, withinSeconds: number, intervalSeconds: number): number {
  return Math.max(0, Math.floor((withinSeconds - dueInSeconds) / intervalSeconds) + 1);
}
