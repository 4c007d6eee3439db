import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { watchLines } from "#docket/worker/watch-lines";
import { governorOf } from "./support/governor.ts";
import { connectStack } from "./support/stack.ts";

// Whom the governor calls when a job slot becomes free, by the rows of the real database. Each test has a region of its own;
// the documents have no workflows: who is called is written down.

let stack: Awaited<ReturnType<typeof connectStack>>;
const project = randomUUID();
beforeAll(async () => {
  stack = await connectStack();
  await stack.database.project.create({ data: { id: project, slug: `line-${project.slice(0, 8)}` } });
});
afterAll(async () => {
  await stack.database.textractJob.deleteMany({ where: { document: { projectId: project } } });
  await stack.database.document.deleteMany({ where: { projectId: project } });
  await stack.database.project.delete({ where: { id: project } });
  await stack.close();
});

/** A region with some job slots, and the documents that stand in its line. */
function newRegion(slots: number, startsPerSecond?: number) {
  const region = `test-line-${randomUUID().slice(0, 8)}`;
  const { database } = stack;
  const called: string[] = [];
  const gone = new Set<string>();
  const call = async (workflowId: string) => {
    called.push(workflowId);
    return !gone.has(workflowId);
  };
  const rate = startsPerSecond && { DOCKET_TEXTRACT_START_PER_SECOND: `${region}=${startsPerSecond}` };
  const governor = governorOf(database, { DOCKET_TEXTRACT_JOBS: `${region}=${slots}`, ...rate }, { call });
  const ask = (token: string, { analysis = false, priority = 3 } = {}) =>
    governor.admitStart({ region, token, analysis, priority }).then(
      () => "turn",
      (error: { type: string }) => error.type,
    );
  /** A document that means an attempt, and has not asked yet; its token, which is its workflow's id too. */
  async function intend(): Promise<string> {
    const id = randomUUID();
    const of = { bucket: "b", key: id, features: [] };
    const run = { workflowId: id, runId: id, status: "processing" as const, engine: "textract" as const };
    await database.document.create({ data: { id, projectId: project, ...of, ...run } });
    await database.textractJob.create({
      data: { id, documentId: id, attempt: 1, token: id, region, content: id, runId: id, ...of },
    });
    return id;
  }
  /** Documents that come and ask one after the other. */
  async function come(count: number, how: Parameters<typeof ask>[1] = {}): Promise<string[]> {
    const tokens: string[] = [];
    while (tokens.length < count) {
      const token = await intend();
      await ask(token, how);
      tokens.push(token);
    }
    return tokens;
  }
  /** Textract takes those that have their turn. */
  async function take(tokens: string[]): Promise<void> {
    await database.$executeRaw`
      UPDATE textract_jobs SET state = 'submitted', submitted_at = now(), job_id = token WHERE token = ANY(${tokens})`;
    await database.textractTurn.deleteMany({ where: { token: { in: tokens } } });
  }
  return {
    ...{ region, governor, called, gone, ask, intend, come, take },
    /** All slots are taken by documents at work. */
    async fill(): Promise<string[]> {
      const tokens = await come(slots);
      await take(tokens);
      return tokens;
    },
    async end(tokens: string[]): Promise<void> {
      const data = { state: "succeeded" as const, finishedAt: new Date() };
      await database.textractJob.updateMany({ where: { token: { in: tokens } }, data });
    },
    /** Time passes for a document in line. */
    age: (token: string, seconds: number) =>
      database.$executeRaw`UPDATE textract_turns SET asks_again_at = asks_again_at - ${seconds} * interval '1 second'
                           WHERE token = ${token}`,
    /** Calls, and tells who was called by it. */
    async next(): Promise<string[]> {
      called.length = 0;
      await governor.callNext(region);
      return [...called];
    },
  };
}

it("a slot that becomes free is the first in line's, who is called once", async () => {
  const { fill, come, end, next, ask, intend } = newRegion(1);
  const atWork = await fill();
  const [first, second] = (await come(2)) as [string, string];
  expect(await next()).toEqual([]);
  await end(atWork);
  expect(await next()).toEqual([first]);
  // It is on its way: nobody else is called for the slot, and nobody else gets it.
  expect(await next()).toEqual([]);
  expect(await ask(await intend())).toBe("TextractNoSlot");
  expect(await ask(second)).toBe("TextractNoSlot");
  expect(await ask(first)).toBe("turn");
  expect(await next()).toEqual([]);
});

it("priority comes first, and the lines of text and of analysis have their turns by age", async () => {
  const { fill, come, end, next } = newRegion(2);
  const atWork = await fill();
  await come(1, { priority: 5 });
  const analysis = await come(1, { analysis: true });
  await come(1);
  const urgent = await come(1, { priority: 1 });
  await end(atWork);
  expect(new Set(await next())).toEqual(new Set([...urgent, ...analysis]));
});

it("who has taken a slot calls the next while more are free: all are filled, with five on their way at once", async () => {
  const { fill, come, take, end, next, ask } = newRegion(12);
  const atWork = await fill();
  const waiting = await come(20);
  await end(atWork);
  const served: string[] = [];
  const onTheirWay = await next();
  expect(onTheirWay).toHaveLength(5);
  for (let token = onTheirWay.shift(); token !== undefined; token = onTheirWay.shift()) {
    served.push(token);
    expect(await ask(token)).toBe("turn");
    await take([token]);
    onTheirWay.push(...(await next()));
    expect(onTheirWay.length).toBeLessThanOrEqual(5);
  }
  expect(served.toSorted()).toEqual(waiting.slice(0, 12).toSorted());
});

it("who waits for the rate is not called, however many slots are free: it asks at the rate's pace", async () => {
  const { come, next } = newRegion(100, 0.01);
  // The first has its turn; to the others the rate comes after minutes.
  await come(6);
  expect(await next()).toEqual([]);
  expect(await next()).toEqual([]);
});

it("of those that sleep for slots no more are called than the rate has places for, and each once", async () => {
  const { fill, come, end, next, ask, age } = newRegion(3, 0.01);
  const atWork = await fill();
  const waiting = await come(3);
  const [first] = waiting as [string];
  for (const token of waiting) await age(token, -1000);
  await end(atWork);
  expect(await next()).toEqual([first]);
  // A Start every 100 seconds, and there was one: it waits for the next place, and asks at the rate's pace.
  expect(await ask(first)).toBe("TextractNoSlot");
  expect(await next()).toEqual([]);
});

it("a call that was lost holds the slot up for half a minute, and is made again after two", async () => {
  const { fill, come, end, next, age } = newRegion(1);
  const atWork = await fill();
  const [first, second] = (await come(2)) as [string, string];
  await end(atWork);
  expect(await next()).toEqual([first]);
  await age(first, 31);
  expect(await next()).toEqual([second]);
  await age(second, 31);
  expect(await next()).toEqual([]);
  await age(first, 90);
  expect(await next()).toEqual([first]);
});

it("documents that have ended are passed over, and one whose workflow is gone makes room for the next", async () => {
  const { region, fill, come, end, next, gone } = newRegion(1);
  const atWork = await fill();
  const [cancelled, terminated, third] = (await come(3)) as [string, string, string];
  const failure = { failureType: "Cancelled", failureMessage: "because of the test", failureRemedy: "none" };
  const ended = { status: "cancelled" as const, finishedAt: new Date(), ...failure };
  await stack.database.document.update({ where: { id: cancelled }, data: ended });
  gone.add(terminated);
  await end(atWork);
  expect(await next()).toEqual([terminated, third]);
  expect(await stack.database.textractTurn.count({ where: { region, token: terminated } })).toBe(0);
});

it.each([
  ["reads something else", { features: ["TABLES"] }],
  ["is read locally by now", { engine: "local" as const }],
])("a place in line of a document that %s is passed over: its workflow waits for no slot with it", async (_, owner) => {
  const { fill, come, end, next } = newRegion(1);
  const atWork = await fill();
  const [overtaken, second] = (await come(2)) as [string, string];
  await stack.database.document.update({ where: { id: overtaken }, data: { ...owner, workflowId: `of ${overtaken}` } });
  await end(atWork);
  expect(await next()).toEqual([second]);
});

it("nobody is called while others than Docket have the slots: who found it out tries again", async () => {
  const { region, governor, come, next, ask, intend } = newRegion(3);
  const refused = await intend();
  expect(await ask(refused)).toBe("turn");
  const start = { region, token: refused, analysis: false, priority: 3 };
  await expect(governor.slotRefused(start)).rejects.toMatchObject({ type: "TextractNoSlot" });
  await come(2);
  expect(await next()).toEqual([]);
});

it("those that free slots at the same moment call one for each slot, and nobody twice", async () => {
  const { region, governor, called, fill, come, end } = newRegion(2);
  const atWork = await fill();
  const [first, second] = (await come(4)) as [string, string];
  await end(atWork);
  await Promise.all([1, 2, 3].map(() => governor.callNext(region)));
  expect(called.toSorted()).toEqual([first, second].toSorted());
});

it("where Temporal does not answer, no step fails for it", async () => {
  const { region, fill, come, end } = newRegion(1);
  const atWork = await fill();
  await come(1);
  await end(atWork);
  const said: string[] = [];
  const call = () => Promise.reject(new Error("no connection"));
  const warn = ({ err }: { err: string }) => void said.push(err);
  await governorOf(stack.database, { DOCKET_TEXTRACT_JOBS: "1" }, { call, warn }).callNext(region);
  expect(said).toEqual(["no connection"]);
});

it("a worker looks once in a while, for slots that become free without a step", async () => {
  const { region, fill, come, end } = newRegion(1);
  const atWork = await fill();
  const [first] = await come(1);
  await end(atWork);
  const called: string[] = [];
  const call = async (workflowId: string) => called.push(workflowId) > 0;
  const governor = governorOf(stack.database, { DOCKET_TEXTRACT_JOBS: `${region}=1` }, { call });
  const watch = watchLines({ database: stack.database, governor, logger: console, every: 20 });
  await vi.waitFor(() => expect(called).toContain(first), { timeout: 30_000 });
  await watch.stop();
});
