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
  /** Job slots of the region; infinite without a limit. */
  slots: number;
  /** How many of them become free a second. */
  slotsPerSecond: number;
}

export type TurnDecision = { admitted: true } | { admitted: false; waitMilliseconds: number; why: "slots" | "turn" };

const shortestWait = 500;
const longestWait = 3_600_000;
/** Without a rate of its own a line is taken to move no faster than this, Starts a second. */
const assumedPerSecond = 10;
/** While others have the slots one Start is tried in this time, whoever makes it. Starts a second. */
const heldPerSecond = 1 / 3;
/**
 * Who waits asks after this part of the time in which its turn is expected, because slots become free in bursts: near
 * the front (as many as there are slots), and behind.
 */
const sooner = { near: 0.5, far: 0.9 };

/**
 * Whether the one that asks may start now. A free slot belongs to the first in line, whoever asks earlier; the others
 * ask when the line may have come to them, so that a backlog of thousands costs little.
 */
export function decideTurn(line: LineState): TurnDecision {
  const { freeSlots, places, aheadSoon, ahead, heldMilliseconds, perSecond, slots } = line;
  const held = heldMilliseconds > 0;
  if (!held && aheadSoon < Math.min(freeSlots, places)) return { admitted: true };
  const forSlots = held || freeSlots < 1;
  const bySlots = held ? heldPerSecond : forSlots ? line.slotsPerSecond : Number.POSITIVE_INFINITY;
  const pace = Math.min(perSecond, assumedPerSecond, bySlots);
  // The first waits for a slot of its own: with few slots it would ask too seldom at the pace of all.
  const place = ahead + Math.min(1, slots / 20);
  const part = forSlots && ahead < slots ? sooner.near : sooner.far;
  const turnIn = ((place * part) / pace) * 1000;
  const waitMilliseconds = heldMilliseconds + Math.min(longestWait, Math.max(shortestWait, turnIn));
  return { admitted: false, waitMilliseconds, why: forSlots ? "slots" : "turn" };
}

/** Parts of the jobs at work, the youngest ones, by whose ages the pace of the line is told. */
export const youngestParts = [0.125, 0.25, 0.5, 1] as const;

/**
 * How many job slots become free a second: as many as were taken of late, because a Start waits for an end. Of some parts
 * of the jobs at work the one that moved fastest counts, so that jobs that never end do not hide the others. While no
 * job ends the pace falls with their age.
 * @param jobs at work
 * @param ages of the oldest job of each of the {@link youngestParts}, seconds; empty without jobs
 */
export function slotsPerSecond(jobs: number, ages: readonly number[]): number {
  if (ages.length === 0) return assumedPerSecond;
  return Math.max(...ages.map((age, index) => (jobs * (youngestParts[index] ?? 1)) / Math.max(1, age)));
}

/**
 * How many requests have a place within a time, by the clock of generic cell rate: the next is due at `dueIn`, further
 * ones an interval apart each.
 * @param dueInSeconds negative when the next one could have gone earlier; at most the tolerance counts
 */
export function placesWithin(dueInSeconds: number, withinSeconds: number, intervalSeconds: number): number {
  return Math.max(0, Math.floor((withinSeconds - dueInSeconds) / intervalSeconds) + 1);
}
