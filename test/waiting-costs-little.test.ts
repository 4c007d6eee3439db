import { describe, expect, it } from "vitest";
import { decideTurn, type LineState } from "#docket/textract/decide-turn";
import { notifiedPollDelay, pollDelay } from "#docket/textract/poll-delay";

describe("looks at a job", () => {
  const delays = { pollMinMilliseconds: 5000, pollMaxMilliseconds: 60_000 };

  /** When a job is looked at in its first hours, seconds after its Start. */
  function looks(hours: number): number[] {
    const times: number[] = [];
    let now = 0;
    while (now < hours * 3600_000) {
      now += pollDelay(times.length + 1, now, delays);
      times.push(now / 1000);
    }
    return times;
  }

  it("come soon at first, and every minute after some", () => {
    const gaps = looks(0.3).map((time, index, all) => Math.round(time - (all[index - 1] ?? 0)));
    expect(gaps.slice(0, 9)).toEqual([5, 8, 11, 17, 25, 38, 57, 60, 60]);
  });

  it("are late by a twentieth of the job's time at most, and never by more than ten minutes", () => {
    const day = looks(24);
    for (const [index, time] of day.entries()) {
      const before = day[index - 1] ?? 0;
      expect(time - before).toBeLessThanOrEqual(Math.max(60, Math.min(600, before / 20)) + 0.001);
    }
    expect(day.length).toBeLessThan(looks(4).length + 20 * 6 + 2);
  });

  it("of a job whose end is notified double up to the longest time, however many there were", () => {
    const delay = (look: number) =>
      notifiedPollDelay(look, { notifiedPollMilliseconds: 300_000, notifiedPollMaxMilliseconds: 3600_000 }) / 60_000;
    expect([1, 2, 3, 4, 5, 6, 5000].map(delay)).toEqual([5, 10, 20, 40, 60, 60, 60]);
  });

  it("of a job whose end is notified do not come before the first time that is set, where it is the longer one", () => {
    const delay = { notifiedPollMilliseconds: 7200_000, notifiedPollMaxMilliseconds: 3600_000 };
    expect([1, 2, 9].map((look) => notifiedPollDelay(look, delay))).toEqual([7200_000, 7200_000, 7200_000]);
  });
});

describe("asking for a job slot", () => {
  const full: LineState = {
    ...{ freeSlots: 0, places: Number.POSITIVE_INFINITY, aheadSoon: 0, ahead: 0, heldMilliseconds: 0 },
    perSecond: Number.POSITIVE_INFINITY,
  };
  const wait = (line: Partial<LineState>) => {
    const turn = decideTurn({ ...full, ...line });
    return turn.admitted ? 0 : turn.waitMilliseconds / 1000;
  };

  it("comes without a call after a minute at the front, a minute later for each place, six hours later at most", () => {
    expect([0, 1, 9, 359, 360, 9999].map((ahead) => wait({ ahead }))).toEqual([60, 120, 600, 21_600, 21_600, 21_600]);
  });

  it("of thousands is hardly ever, while nothing moves", () => {
    const asks = Array.from({ length: 10_000 }, (_, ahead) => 1 / wait({ ahead }));
    expect(asks.reduce((sum, each) => sum + each, 0)).toBeLessThan(0.6);
  });

  it("comes at the rate's pace while slots are free, once an hour at least", () => {
    expect(wait({ freeSlots: 5, places: 0, perSecond: 2, ahead: 99 })).toBeCloseTo((0.9 * 100) / 2, 3);
    expect(wait({ freeSlots: 5, places: 0, perSecond: 0.01, ahead: 99 })).toBe(3600);
  });

  it("waits for a call where those ahead are on the way to all free slots, whatever the rate", () => {
    expect(wait({ freeSlots: 1, aheadSoon: 1, ahead: 1 })).toBe(120);
    expect(wait({ freeSlots: 3, aheadSoon: 3, ahead: 99, places: 0, perSecond: 2 })).toBe(6000);
    expect(wait({ freeSlots: 3, aheadSoon: 2, ahead: 99, places: 2, perSecond: 2 })).toBe(45);
  });

  it("comes again and again from the first in line while others than Docket have the slots, and from nobody else", () => {
    expect(wait({ freeSlots: 9, heldMilliseconds: 2000 })).toBe(2.5);
    expect(wait({ freeSlots: 9, heldMilliseconds: 2000, ahead: 4 })).toBe(2 + 5 * 60);
  });
});
