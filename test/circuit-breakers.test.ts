import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, inject, it } from "vitest";
import {
  admit,
  listBreakers,
  look,
  lookAgainIn,
  recordFailure,
  recordSuccess,
  resetBreaker,
} from "#docket/database/circuit-breakers";
import { createDatabase, type Database } from "#docket/database/client";

// Five clients with connections of their own, as five workers have.
let workers: Database[];
beforeAll(() => {
  const url = inject("environment")["DATABASE_URL"] ?? "";
  workers = Array.from({ length: 5 }, () => createDatabase({ url, poolSize: 2 }));
});
afterAll(() => Promise.all(workers.map((worker) => worker.$disconnect())));

const rules = { threshold: 3, openMilliseconds: 300 };

async function openBreaker(name: string, openMilliseconds = rules.openMilliseconds): Promise<Database> {
  const database = workers[0] as Database;
  for (let failure = 1; failure <= rules.threshold; failure++) {
    expect(await admit(database, name)).toEqual({ allowed: true });
    await recordFailure(database, name, { ...rules, openMilliseconds }, `failure ${failure}`);
  }
  return database;
}

it("opens after failures in a row, tells the last error, and lets nobody through", async () => {
  const database = await openBreaker("region/test-open", 60_000);
  for (const worker of workers) {
    expect(await admit(worker, "region/test-open")).toMatchObject({ allowed: false, lastError: "failure 3" });
  }
  const listed = (await listBreakers(database)).find(({ name }) => name === "region/test-open");
  expect(listed).toMatchObject({ state: "open", failures: 3, lastError: "failure 3" });
});

it("a success in between starts the count anew", async () => {
  const [database] = workers as [Database];
  for (let round = 0; round < 4; round++) {
    await recordFailure(database, "region/test-count", rules, "x");
    await recordFailure(database, "region/test-count", rules, "x");
    await recordSuccess(database, "region/test-count");
  }
  expect(await admit(database, "region/test-count")).toEqual({ allowed: true });
});

it("half open lets exactly one probe through, also when five workers ask at once", async () => {
  await openBreaker("region/test-probe");
  await sleep(rules.openMilliseconds + 50);
  const answers = await Promise.all([...workers, ...workers].map((worker) => admit(worker, "region/test-probe")));
  expect(answers.filter(({ allowed }) => allowed)).toHaveLength(1);
});

it("who meets a probe under way looks again in seconds, not when the probe would be lost", async () => {
  const database = await openBreaker("region/test-look");
  const waiting = await look(database, "region/test-look");
  expect(lookAgainIn(waiting)).toBe(waiting.waitMilliseconds);
  await sleep(rules.openMilliseconds + 50);
  expect(await admit(database, "region/test-look")).toEqual({ allowed: true });
  const probing = await look(database, "region/test-look");
  expect(probing).toMatchObject({ state: "half-open" });
  expect(probing.waitMilliseconds).toBeGreaterThan(50_000);
  expect(lookAgainIn(probing)).toBeLessThan(5000);
});

it("a probe that fails opens it again for longer, one that works closes it for all", async () => {
  const database = await openBreaker("region/test-again");
  await sleep(rules.openMilliseconds + 50);
  expect(await admit(database, "region/test-again")).toEqual({ allowed: true });
  await recordFailure(database, "region/test-again", { ...rules, openMilliseconds: 60_000 }, "still down");
  const refused = await admit(database, "region/test-again");
  expect(refused).toMatchObject({ allowed: false, lastError: "still down" });

  expect(await resetBreaker(database, "region/test-again")).toBe(true);
  for (const worker of workers) expect(await admit(worker, "region/test-again")).toEqual({ allowed: true });
  expect(await resetBreaker(database, "region/never-seen")).toBe(false);
});
