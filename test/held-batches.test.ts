import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, expect, it } from "vitest";
import { unseenItems, waitingItems, waitingItemsWithout } from "#docket/database/batch-item-turns";
import { createBatch } from "#docket/database/batches";
import type { Executor } from "#docket/database/client";
import { Prisma } from "#docket/database/generated/client";
import { connectStack } from "./support/stack.ts";

// A batch that is held by a budget looks every few seconds, for up to a month: what waits is not read each time.
let stack: Awaited<ReturnType<typeof connectStack>>;
const batchId = randomUUID();
const otherId = randomUUID();
const [project, named, open] = ["own", "named", "open"].map((name) => `held-${name}-${batchId.slice(0, 8)}`);
if (!project || !named || !open) throw new Error("three projects");
const many = 5000;
const line = { batchId, priority: 3, project, limit: 5 };

beforeAll(async () => {
  stack = await connectStack();
  const settings = { project, engine: "textract" as const, features: [], force: false, priority: 3, window: 10 };
  await createBatch(stack.database, { id: batchId, source: batchId, ...settings, prefix: null, onlyNew: false });
  // Every other one names a project, every tenth a priority; at the end of the line are a few of a project that is not held.
  await stack.database.$executeRaw`
    INSERT INTO batch_items (id, batch_id, bucket, key, document_id, project, priority)
    SELECT gen_random_uuid(), ${batchId}::uuid, 'a bucket', 'held-' || n, gen_random_uuid(),
           CASE WHEN n > ${many} THEN ${open} WHEN n % 2 = 0 THEN ${named} END, CASE WHEN n % 10 = 0 THEN 1 + n % 5 END
    FROM generate_series(1, ${many + 10}::int) AS n`;
  // Another batch, of which nobody has looked at anything yet.
  await createBatch(stack.database, { id: otherId, source: otherId, ...settings, prefix: null, onlyNew: false });
  await stack.database.$executeRaw`
    INSERT INTO batch_items (id, batch_id, bucket, key)
    SELECT gen_random_uuid(), ${otherId}::uuid, 'a bucket', 'new-' || n FROM generate_series(1, ${2 * many}::int) AS n`;
  await stack.database.$executeRaw`ANALYZE batch_items`;
});
afterAll(async () => {
  await stack.database.batch.deleteMany({ where: { id: { in: [batchId, otherId] } } });
  await stack.close();
});

interface Plan {
  "Node Type": string;
  "Relation Name"?: string;
  "Actual Rows": number;
  "Actual Loops": number;
  "Rows Removed by Filter"?: number;
  Plans?: Plan[];
}

/** Rows of the table that a question reads, by PostgreSQL's own account. */
async function rowsRead(ask: (executor: Executor) => Promise<unknown>): Promise<number> {
  let plan: Plan | undefined;
  const explain = async (text: TemplateStringsArray, ...values: unknown[]) => {
    const statement = Prisma.sql`EXPLAIN (ANALYZE, FORMAT JSON) ${Prisma.sql(text, ...values)}`;
    const [row] = await stack.database.$queryRaw<{ "QUERY PLAN": { Plan: Plan }[] }[]>(statement);
    plan = row?.["QUERY PLAN"][0]?.Plan;
    return [];
  };
  await ask({ $queryRaw: explain } as unknown as Executor);
  let looks = 0;
  const count = (node: Plan): number => {
    const ours = node["Relation Name"] === "batch_items";
    if (ours) looks++;
    const own = ours ? node["Actual Rows"] + (node["Rows Removed by Filter"] ?? 0) : 0;
    return own * node["Actual Loops"] + (node.Plans ?? []).reduce((sum, child) => sum + count(child), 0);
  };
  if (plan === undefined) throw new Error("no plan");
  const rows = count(plan);
  expect(looks).toBeGreaterThan(0);
  return rows;
}

const keys = (items: { key: string }[]) => items.map(({ key }) => key);

it.each([
  ["all of its projects", [project, named, open]],
  ["the batch's own project", [project]],
  ["a project that its items name", [named]],
  ["all but the last ones", [project, named]],
])("a look at a batch of which %s are held reads a few of its rows", async (_, held) => {
  expect(await rowsRead((executor) => waitingItemsWithout(executor, line, held))).toBeLessThan(100);
  expect(await rowsRead((executor) => unseenItems(executor, line, held))).toBeLessThan(100);
});

it("what is not held comes in its order, whether it names a project or a priority or not", async () => {
  const all = await waitingItems(stack.database, { ...line, limit: many + 10 });
  for (const held of [["nobody's"], [project], [named], [project, named], [project, open], [project, named, open]]) {
    const others = all.filter((item) => !held.includes(item.project ?? project));
    expect(await waitingItemsWithout(stack.database, line, held)).toEqual(others.slice(0, line.limit));
  }
  expect(keys(await waitingItemsWithout(stack.database, line, [project, named]))).toEqual(
    [10, 1, 2, 3, 4].map((n) => `held-${many + n}`),
  );
});
