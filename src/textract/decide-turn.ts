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
/** For a place in a rate, however far away it is. */
const longestWait = 3_600_000;
/** Without a rate of its own a line is taken to move no faster than this, Starts a second. */
const assumedPerSecond = 10;
/** Who waits for the rate asks after this part of the time in which its turn is expected. */
const sooner = 0.9;

/**
 * How long who waits for a slot sleeps unless it is called: this long for each place in line, so that calls which are lost
 * cost the front a minute, and thousands behind it next to nothing. Milliseconds.
 */
const uncalled = { eachPlace: 60_000, longest: 6 * 3_600_000 };

/**
 * Whether the one that asks may start now. A free slot belongs to the first in line, whoever asks earlier. The others are
 * called when slots become free; where the rate is what they wait for, they ask when the line may have come to them.
 */
export function decideTurn(line: LineState): TurnDecision {
  const { freeSlots, places, aheadSoon, ahead, heldMilliseconds, perSecond } = line;
  const held = heldMilliseconds > 0;
  if (!held && aheadSoon < Math.min(freeSlots, places)) return { admitted: true };
  // Free slots that those ahead are on the way to are none: whoever takes the last of them, or frees one, calls.
  if (held || aheadSoon >= freeSlots) {
    // While others have the slots nobody is called: the first tries again and again.
    const tries = held && ahead === 0;
    const sleep = tries ? shortestWait : Math.min(uncalled.longest, uncalled.eachPlace * (ahead + 1));
    return { admitted: false, waitMilliseconds: heldMilliseconds + sleep, why: "slots" };
  }
  const turnIn = ((ahead + 1) * sooner * 1000) / Math.min(perSecond, assumedPerSecond);
  return { admitted: false, waitMilliseconds: Math.min(longestWait, Math.max(shortestWait, turnIn)), why: "turn" };
}

/**
 * How many requests have a place within a time, by the clock of generic cell rate: the next is due at `dueIn`, further
 * ones an interval apart each.
 * @param dueInSeconds negative when the next one could have gone earlier; at most the tolerance counts
 */
export function placesWithin(dueInSeconds: number, withinSeconds: number, intervalSeconds: number): number {
  return Math.max(0, Math.floor((withinSeconds - dueInSeconds) / intervalSeconds) + 1);
}
