import { describe, expect, it } from "vitest";
import { decideTurn, type LineState, slotsPerSecond } from "#docket/textract/decide-turn";
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
    ...{ perSecond: Number.POSITIVE_INFINITY, slots: 100, slotsPerSecond: 100 / 60 },
  };
  const wait = (line: Partial<LineState>) => {
    const turn = decideTurn({ ...full, ...line });
    return turn.admitted ? 0 : turn.waitMilliseconds / 1000;
  };

  it("comes a little before the line should be through, near the front in half of that time", () => {
    expect(wait({ ahead: 999 })).toBeCloseTo((0.9 * 1000) / (100 / 60), 3);
    expect(wait({ ahead: 59 })).toBeCloseTo((0.5 * 60) / (100 / 60), 3);
  });

  it("comes soon for the first in line, also where there are few slots", () => {
    expect(wait({})).toBe(0.5);
    expect(wait({ slots: 1, slotsPerSecond: 1 / 60 })).toBeLessThan(60 * 0.05);
  });

  it("comes at the rate's pace while slots are free", () => {
    expect(wait({ freeSlots: 5, places: 0, perSecond: 2, ahead: 99 })).toBeCloseTo((0.9 * 100) / 2, 3);
  });

  it("of thousands is hardly ever, while nothing moves", () => {
    const slotsFree = slotsPerSecond(100, [3600, 3600, 3600, 3600]);
    const asks = Array.from({ length: 10_000 }, (_, ahead) => 1 / wait({ ahead, slotsPerSecond: slotsFree }));
    expect(asks.reduce((sum, each) => sum + each, 0)).toBeLessThan(3.5);
  });

  it("is no less often than once an hour, and three seconds for each place while others have the slots", () => {
    expect(wait({ ahead: 10_000, slotsPerSecond: 1e-6 })).toBe(3600);
    expect(wait({ freeSlots: 9, heldMilliseconds: 2000, ahead: 99 })).toBeCloseTo(2 + 0.5 * 100 * 3, 3);
  });

  it("follows the jobs that move, whatever else never ends", () => {
    // A quarter of the slots turns over in 30 s each, the rest is held by jobs of an hour ago.
    expect(slotsPerSecond(100, [15, 29, 3600, 3600])).toBeCloseTo(25 / 29, 3);
    // A hundred jobs of a minute, evenly spread.
    expect(slotsPerSecond(100, [7.5, 15, 30, 60])).toBeCloseTo(100 / 60, 3);
  });
});
