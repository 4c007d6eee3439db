import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { GetDocumentTextDetectionCommand, StartDocumentTextDetectionCommand } from "@aws-sdk/client-textract";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import type { QuotaGovernor } from "#docket/activities/quota-governor";
import { createDatabase, type Database } from "#docket/database/client";
import { governorOf } from "./support/governor.ts";
import { makeBucket, startEndpoint, textractClient } from "./support/local-textract.ts";

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

/** Asks until the governor lets it through, as the retries of an activity do, and waits for its place in time. */
async function patiently(ask: () => Promise<number>): Promise<void> {
  for (;;) {
    try {
      await sleep(await ask());
      return;
    } catch (error) {
      const { delayMilliseconds } = error as { delayMilliseconds?: number };
      if (delayMilliseconds === undefined) throw error;
      await sleep(delayMilliseconds);
    }
  }
}

/** What a call was answered: "ok", or the error's name. */
const answerOf = (call: Promise<unknown>) =>
  call.then(
    () => "ok",
    (error: Error) => error.name,
  );

const throttles = (answers: string[]) => answers.filter((answer) => /Throttling|Throughput/.test(answer));

describe("three workers in two regions whose endpoints refuse what is above the rate", () => {
  const rates = { "us-east-1": 12, "eu-west-1": 4 };
  // What an endpoint takes is a little more, as a quota is: on a busy machine requests that left apart arrive together.
  const quotaOf = (rate: number) => rate * 1.5;

  it("without the governor are throttled", async () => {
    const endpoint = await startEndpoint({ requestRates: { GetDocumentTextDetection: 4 } });
    const get = () => endpoint.client.send(new GetDocumentTextDetectionCommand({ JobId: "0".repeat(64) }));
    const answers = await Promise.all(Array.from({ length: 30 }, () => answerOf(get())));
    expect(throttles(answers).length).toBeGreaterThan(0);
    await endpoint.end();
  });

  it("with it never are, for Starts and for Gets", async () => {
    const { bucket, put } = await makeBucket();
    await put("one.png", "not read before the test ends");
    const setting = Object.entries(rates)
      .map(([region, rate]) => `${region}=${rate}`)
      .join(",");
    const workers = governors({
      DOCKET_TEXTRACT_START_PER_SECOND: setting,
      DOCKET_TEXTRACT_GET_PER_SECOND: setting,
    });
    const answers: string[] = [];
    const runs = Object.entries(rates).map(async ([region, rate]) => {
      const quota = quotaOf(rate);
      const requestRates = { StartDocumentTextDetection: quota, GetDocumentTextDetection: quota };
      const endpoint = await startEndpoint({ region, requestRates });
      const client = textractClient(endpoint.address, { region });
      // Three seconds' worth of each operation, all asked for at once.
      const work = Array.from({ length: rate * 3 }, async (_, index) => {
        const governor = workers[index % workers.length] as QuotaGovernor;
        await patiently(() => governor.admitGet(region, false, 500));
        answers.push(await answerOf(client.send(new GetDocumentTextDetectionCommand({ JobId: "0".repeat(64) }))));
        const token = await intend(region);
        await patiently(() => governor.admitStart({ region, token, analysis: false, priority: 3 }));
        const location = { S3Object: { Bucket: bucket, Name: "one.png" } };
        const start = new StartDocumentTextDetectionCommand({
          DocumentLocation: location,
          ClientRequestToken: token,
        });
        answers.push(await answerOf(client.send(start)));
        await settle(token, "succeeded");
      });
      await Promise.all(work);
      client.destroy();
      await endpoint.end();
    });
    await Promise.all(runs);
    expect(throttles(answers)).toEqual([]);
    expect(answers).toHaveLength((12 + 4) * 3 * 2);
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
