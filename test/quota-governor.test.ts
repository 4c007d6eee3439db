import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import type { QuotaGovernor } from "#docket/activities/quota-governor";
import { createDatabase, type Database } from "#docket/database/client";
import { governorOf } from "./support/governor.ts";

// Three clients of the database with connections of their own, as three workers have.
let databases: Database[];
let project: string;
beforeAll(async () => {
  const url = inject("environment")["DATABASE_URL"] ?? "";
  databases = Array.from({ length: 3 }, () => createDatabase({ url, poolSize: 10 }));
  project = randomUUID();
  await databases[0]?.project.create({ data: { id: project, slug: `governor-${project.slice(0, 8)}` } });
});
afterAll(() => Promise.all(databases.map((database) => database.$disconnect())));

function governors(settings: Record<string, string>): QuotaGovernor[] {
  return databases.map((database) => governorOf(database, settings));
}

/** A document and the ledger's row of an attempt that is meant; the token. */
async function intend(region: string, projectId = project): Promise<string> {
  const [database] = databases as [Database];
  const [id, token] = [randomUUID(), randomUUID().replaceAll("-", "")];
  const place = { bucket: "b", key: id };
  await database.document.create({
    data: {
      id,
      projectId,
      ...place,
      engine: "textract",
      status: "processing",
      features: [],
      workflowId: `document/${id}`,
      runId: id,
    },
  });
  await database.textractJob.create({
    data: { id, documentId: id, attempt: 1, features: [], token, region, content: id, runId: id, ...place },
  });
  return token;
}

async function settle(token: string, state: "submitted" | "succeeded"): Promise<void> {
  const [database] = databases as [Database];
  const now = new Date();
  const ended = state === "submitted" ? {} : { finishedAt: now };
  await database.textractJob.update({ where: { token }, data: { state, jobId: token, submittedAt: now, ...ended } });
}

/** A job ends, and its slot is handed on. */
async function end(governor: QuotaGovernor, region: string, token: string): Promise<void> {
  await settle(token, "succeeded");
  await governor.callNext(region);
}

/** Places in time, each at the latest that it can be, and the time before which there is none; milliseconds. */
interface Places {
  begun: number;
  latest: number[];
}

/** Asks until the governor gives a place, as the retries of an activity do. */
async function takePlace(places: Places, ask: () => Promise<number>): Promise<void> {
  for (;;) {
    const asked = Date.now();
    try {
      const wait = await ask();
      places.begun = Math.min(places.begun, asked + wait);
      places.latest.push(Date.now() + 1 + wait);
      return;
    } catch (error) {
      const { delayMilliseconds } = error as { delayMilliseconds?: number };
      if (delayMilliseconds === undefined) throw error;
      await sleep(delayMilliseconds);
    }
  }
}

/** How many places are earlier than the rate has them, of which a quarter of a second's worth may be at once. */
function tooEarly({ begun, latest }: Places, perSecond: number): number {
  const atOnce = Math.max(1, Math.floor(perSecond / 4));
  const earliest = (index: number) => begun + ((index + 1 - atOnce) * 1000) / perSecond;
  return latest.toSorted((a, b) => a - b).filter((place, index) => place < earliest(index)).length;
}

describe("three workers that ask for three seconds' worth at once", () => {
  const rates = { "test-rates-1": 12, "test-rates-2": 4 };
  const setting = Object.entries(rates)
    .map(([region, rate]) => `${region}=${rate}`)
    .join(",");

  it.each(Object.entries(rates))("have places for Starts and Gets in %s that keep its rate", async (region, rate) => {
    const workers = governors({
      DOCKET_TEXTRACT_START_PER_SECOND: setting,
      DOCKET_TEXTRACT_GET_PER_SECOND: setting,
    });
    const [gets, starts, unlimited] = Array.from({ length: 3 }, () => ({ begun: Infinity, latest: [] as number[] }));
    if (gets === undefined || starts === undefined || unlimited === undefined) throw new Error("no places");
    const work = Array.from({ length: rate * 3 }, async (_, index) => {
      const governor = workers[index % workers.length] as QuotaGovernor;
      await takePlace(unlimited, () => governor.admitGet("test-rates-of-none", false, 500));
      await takePlace(gets, () => governor.admitGet(region, false, 500));
      const token = await intend(region);
      await takePlace(starts, () => governor.admitStart({ region, token, analysis: false, priority: 3 }));
      await settle(token, "succeeded");
    });
    await Promise.all(work);
    expect([gets.latest.length, starts.latest.length]).toEqual([rate * 3, rate * 3]);
    expect(tooEarly(gets, rate)).toBe(0);
    expect(tooEarly(starts, rate)).toBe(0);
    // Where nothing is limited the same requests are too early: the figures above can be wrong.
    expect(tooEarly(unlimited, rate)).toBeGreaterThan(0);
  });
});

describe("job slots", () => {
  const start = (governor: QuotaGovernor, region: string, token: string, priority = 3) =>
    governor.admitStart({ region, token, analysis: false, priority }).then(
      () => "turn",
      (error: { type: string }) => error.type,
    );

  it("are kept below the region's limit before Textract is asked, whoever asks at once", async () => {
    const region = "test-slots-1";
    const workers = governors({ DOCKET_TEXTRACT_JOBS: `${region}=4` });
    const tokens = await Promise.all(Array.from({ length: 12 }, () => intend(region)));
    const answers = await Promise.all(
      tokens.map((token, index) => start(workers[index % 3] as QuotaGovernor, region, token)),
    );
    expect(answers.filter((answer) => answer === "turn")).toHaveLength(4);
    expect(new Set(answers)).toEqual(new Set(["turn", "TextractNoSlot"]));
  });

  it("one document that asks again keeps its one slot; a job that ended frees it", async () => {
    const region = "test-slots-2";
    const [governor] = governors({ DOCKET_TEXTRACT_JOBS: `${region}=1` }) as [QuotaGovernor];
    const [first, second] = [await intend(region), await intend(region)];
    expect(await start(governor, region, first)).toBe("turn");
    expect(await start(governor, region, first)).toBe("turn");
    expect(await start(governor, region, second)).toBe("TextractNoSlot");
    await settle(first, "submitted");
    expect(await start(governor, region, second)).toBe("TextractNoSlot");
    await end(governor, region, first);
    expect(await start(governor, region, second)).toBe("turn");
  });

  it("the next free one goes to priority 1, before fifty of priority 5 that wait longer", async () => {
    const region = "test-slots-3";
    const workers = governors({ DOCKET_TEXTRACT_JOBS: `${region}=1` });
    const [governor] = workers as [QuotaGovernor];
    const atWork = await intend(region);
    expect(await start(governor, region, atWork)).toBe("turn");
    // One after the other: the oldest is the first.
    const backlog: string[] = [];
    while (backlog.length < 50) backlog.push(await intend(region));
    for (const [index, token] of backlog.entries()) {
      expect(await start(workers[index % 3] as QuotaGovernor, region, token, 5)).toBe("TextractNoSlot");
    }
    const urgent = await intend(region);
    expect(await start(governor, region, urgent, 1)).toBe("TextractNoSlot");
    await end(governor, region, atWork);
    // All of the backlog ask before it, and are told to wait.
    for (const token of backlog) expect(await start(governor, region, token, 5)).toBe("TextractNoSlot");
    expect(await start(governor, region, urgent, 1)).toBe("turn");
    await end(governor, region, urgent);
    // Then the oldest of the backlog.
    const answers: string[] = [];
    for (const token of [...backlog].reverse()) answers.push(await start(governor, region, token, 5));
    expect(answers.indexOf("turn")).toBe(49);
  });

  it("are shared fairly: a project with two documents does not wait for another's backlog of the same priority", async () => {
    const region = "test-slots-6";
    const workers = governors({ DOCKET_TEXTRACT_JOBS: `${region}=1` });
    const [governor] = workers as [QuotaGovernor];
    const [database] = databases as [Database];
    const small = randomUUID();
    await database.project.create({ data: { id: small, slug: `governor-${small.slice(0, 8)}` } });
    const backlog: string[] = [];
    while (backlog.length < 30) backlog.push(await intend(region));
    for (const [index, token] of backlog.entries()) await start(workers[index % 3] as QuotaGovernor, region, token);
    /** Serves the line one by one, with everybody asking for each slot; who came first. */
    const serve = async (waiting: string[], count: number): Promise<string[]> => {
      const served: string[] = [];
      while (served.length < count) {
        for (const token of waiting.filter((each) => !served.includes(each))) {
          if ((await start(governor, region, token)) !== "turn") continue;
          served.push(token);
          await end(governor, region, token);
          break;
        }
      }
      return served;
    };
    // The first of the backlog has had its turn already.
    await end(governor, region, backlog[0] as string);
    expect(await serve(backlog.slice(1), 9)).toEqual(backlog.slice(1, 10));

    const few = [await intend(region, small), await intend(region, small)];
    for (const token of few) expect(await start(governor, region, token)).toBe("TextractNoSlot");
    const waiting = [...backlog.slice(10), ...few];
    const next = await serve(waiting, 5);
    // In turns: who was away has saved nothing up, and loses nothing either.
    expect(next).toEqual([backlog[10], few[0], backlog[11], few[1], backlog[12]]);
    expect(await database.textractTurn.count({ where: { region, admittedAt: null } })).toBe(17);
  });

  it("who does not ask any more holds up nobody", async () => {
    const region = "test-slots-4";
    const [governor] = governors({ DOCKET_TEXTRACT_JOBS: `${region}=1` }) as [QuotaGovernor];
    const [database] = databases as [Database];
    const atWork = await intend(region);
    expect(await start(governor, region, atWork)).toBe("turn");
    const [cancelled, other] = [await intend(region), await intend(region)];
    expect(await start(governor, region, cancelled, 1)).toBe("TextractNoSlot");
    await end(governor, region, atWork);
    expect(await start(governor, region, other)).toBe("TextractNoSlot");
    const long = new Date(Date.now() - 40_000);
    await database.textractTurn.update({ where: { token: cancelled }, data: { asksAgainAt: long } });
    expect(await start(governor, region, other)).toBe("turn");
  });

  it("a slot that Textract refuses although the ledger has one gives the turn back and holds the line", async () => {
    const region = "test-slots-5";
    const [governor] = governors({ DOCKET_TEXTRACT_JOBS: `${region}=9` }) as [QuotaGovernor];
    const [token, next] = [await intend(region), await intend(region)];
    expect(await start(governor, region, token)).toBe("turn");
    const refused = { region, token, analysis: false, priority: 3 };
    await expect(governor.slotRefused(refused)).rejects.toMatchObject({ type: "TextractNoSlot" });
    expect(await start(governor, region, next)).toBe("TextractNoSlot");
  });
});

it("costs no query where nothing is limited", async () => {
  const [governor] = governors({}) as [QuotaGovernor];
  const free = { region: "test-free", token: "no such row", analysis: false, priority: 3 };
  expect(await governor.admitStart(free)).toBe(0);
  expect(await governor.admitGet("test-free", false, 0)).toBe(0);
  expect(await (databases[0] as Database).textractRate.count({ where: { region: "test-free" } })).toBe(0);
});
