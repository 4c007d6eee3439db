import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { createDatabase, type Database, runStatement } from "#docket/database/client";
import { databaseFailure } from "#docket/database/database-failure";
import { type BreakingProxy, startBreakingProxy } from "../chaos/tcp-proxy.ts";

let proxy: BreakingProxy;
let database: Database;
beforeAll(async () => {
  const url = new URL(inject("environment")["DATABASE_URL"] ?? "");
  const port = Number(url.port);
  proxy = await startBreakingProxy(() => port);
  url.port = String(proxy.port);
  database = createDatabase({ url: url.toString(), poolSize: 1 });
});
afterAll(async () => {
  await database.$disconnect();
  await proxy.close();
});

const calls: [string, () => Promise<unknown>][] = [
  ["a query", () => database.project.findFirst()],
  ["a raw query", () => database.$queryRaw`SELECT 1 AS one`],
  ["a statement past Prisma", () => runStatement(database, "SELECT 1 AS one", [])],
  [
    "a transaction of several statements",
    () =>
      database.$transaction(async (transaction) => {
        await transaction.$queryRaw`SELECT 1 AS one`;
        await transaction.project.findFirst();
        await transaction.$queryRaw`SELECT 2 AS two`;
      }),
  ],
];

describe("a connection to PostgreSQL that is lost is an outage, never a defect", () => {
  // Which message of the conversation it meets: connecting, beginning, a statement, the commit.
  const exchanges = [0, 1, 2, 3, 4, 5, 6, 7];
  it.each(
    calls.flatMap(([name, call]) => [
      { name, call, how: "reset", politely: false },
      { name, call, how: "closed", politely: true },
    ]),
  )("$how in $name", async ({ call, politely }) => {
    const types = new Set<string | undefined>();
    for (const moment of ["before", "after"] as const) {
      for (const exchange of exchanges) {
        proxy.breakNext(moment, 1, { skip: exchange, politely });
        const error = await call().then(
          () => null,
          (reason) => reason,
        );
        proxy.forget();
        if (error !== null) types.add(databaseFailure(error)?.type ?? `none: ${error}`);
      }
    }
    expect([...types]).toEqual(["DatabaseUnavailable"]);
  });
});
