import { randomUUID } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { TLSSocket } from "node:tls";
import { afterAll, beforeAll, describe, expect, inject, it, vi } from "vitest";
import { byDriver, createDatabase, type Database, runStatement } from "#docket/database/client";
import { databaseFailure } from "#docket/database/database-failure";
import { DocumentReader } from "#docket/database/document-reader";
import { type BreakingProxy, startBreakingProxy } from "../chaos/tcp-proxy.ts";
import { makeCertificate } from "./support/certificate.ts";

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

const calls: [string, (database: Database) => Promise<unknown>][] = [
  ["a query", (database) => database.project.findFirst()],
  ["a raw query", (database) => database.$queryRaw`SELECT 1 AS one`],
  ["a query past Prisma", (database) => byDriver(database).$queryRaw`SELECT 1 AS one`],
  ["a statement past Prisma", (database) => runStatement(database, "SELECT 1 AS one", [])],
  [
    "a transaction of several statements",
    (database) =>
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
        const error = await call(database).then(
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

describe("a server that vanishes and says nothing more", () => {
  let vanishing: BreakingProxy;
  let waiting: Database;
  let reader: DocumentReader;
  beforeAll(async () => {
    const url = new URL(inject("environment")["DATABASE_URL"] ?? "");
    const port = Number(url.port);
    vanishing = await startBreakingProxy(() => port);
    url.port = String(vanishing.port);
    waiting = createDatabase({ url: url.toString(), poolSize: 1, silentMilliseconds: 1500 });
    reader = new DocumentReader(url.toString(), 1500);
  });
  afterAll(async () => {
    await waiting.$disconnect();
    await reader.close();
    await vanishing.close();
  });
  const failureOf = (call: Promise<unknown>) => call.then(() => null, databaseFailure);
  const answersAgain = (call: () => Promise<unknown>) => vi.waitFor(call, { timeout: 20_000, interval: 100 });

  it.each(calls)("%s is an outage, and the next one has a connection", { timeout: 60_000 }, async (_, call) => {
    await call(waiting);
    vanishing.silence();
    expect(await failureOf(call(waiting))).toMatchObject({ type: "DatabaseUnavailable" });
    await answersAgain(() => call(waiting));
  });

  it.each([
    ["is waited for", 30_000],
    ["was given up", 500],
  ])("in a transaction that %s", { timeout: 60_000 }, async (_, timeout) => {
    const call = async (silence: () => void) =>
      waiting.$transaction(
        async (transaction) => {
          await transaction.$queryRaw`SELECT 1 AS one`;
          silence();
          await transaction.project.findFirst();
        },
        { timeout },
      );
    const failure = await failureOf(call(() => vanishing.silence()));
    expect(failure).toMatchObject({ type: "DatabaseUnavailable" });
    await answersAgain(() => call(() => {}));
  });

  it("while a document is read that is to be exported: the next question is asked anew", {
    timeout: 60_000,
  }, async () => {
    const ask = () => reader.candidates(null, `${randomUUID()}.pdf`, 1);
    expect(await ask()).toEqual([]);
    vanishing.silence();
    await expect(ask()).rejects.toMatchObject({
      type: "DatabaseUnavailable",
      message: expect.stringContaining("PostgreSQL said nothing for 1.5 s"),
    });
    expect(await ask()).toEqual([]);
    // What was silent only because nobody asked is no outage.
    await sleep(2500);
    expect(await ask()).toEqual([]);
  });
});

describe("a transaction that stands still", () => {
  it("is ended by the server within a minute, so that a machine that vanished holds no locks", async () => {
    const shown = async (address: string) => {
      const other = createDatabase({ url: address, poolSize: 1 });
      const [row] = await byDriver(other).$queryRaw<{ idle: string; statement: string }[]>`
        SELECT current_setting('idle_in_transaction_session_timeout') AS idle,
               current_setting('statement_timeout') AS statement`;
      await other.$disconnect();
      return row;
    };
    const url = new URL(inject("environment")["DATABASE_URL"] ?? "");
    expect(await shown(url.toString())).toEqual({ idle: "1min", statement: "1min" });
    // PgBouncer refuses a connection that brings them.
    url.searchParams.set("pgbouncer", "true");
    expect(await shown(url.toString())).toEqual({ idle: "0", statement: "0" });
  });

  it("is an outage for who comes back to it", async () => {
    const error = await database
      .$transaction(async (transaction) => {
        await transaction.$queryRaw`SELECT set_config('idle_in_transaction_session_timeout', '50', true)`;
        await sleep(500);
        await transaction.$queryRaw`SELECT 1 AS one`;
      })
      .catch((reason: unknown) => reason);
    expect(databaseFailure(error)?.type).toBe("DatabaseUnavailable");
  });
});

describe("a server whose TLS is in disorder is an outage too, by either way", () => {
  const failuresAt = async (url: string) => {
    const other = createDatabase({ url, poolSize: 1 });
    const ways = [() => other.$queryRaw`SELECT 1 AS one`, () => byDriver(other).$queryRaw`SELECT 1 AS one`];
    const errors = await Promise.all(ways.map((way) => Promise.resolve(way()).catch((error: unknown) => error)));
    await other.$disconnect();
    return errors.map((error) => databaseFailure(error)?.type);
  };
  const both = ["DatabaseUnavailable", "DatabaseUnavailable"];

  it("it speaks no TLS", async () => {
    const url = new URL(inject("environment")["DATABASE_URL"] ?? "");
    url.searchParams.set("sslmode", "verify-full");
    expect(await failuresAt(url.toString())).toEqual(both);
  });

  it("its certificate is nobody's", async () => {
    const folder = await mkdtemp(join(tmpdir(), "docket-tls-"));
    const { certificate: cert, key } = await makeCertificate(folder, "stranger");
    // A server of PostgreSQL's protocol as far as the offer of TLS.
    const server = createServer((socket) => {
      socket.on("error", () => {});
      socket.once("data", () => {
        socket.write("S");
        new TLSSocket(socket, { isServer: true, cert, key }).on("error", () => {});
      });
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    expect(await failuresAt(`postgresql://docket@127.0.0.1:${port}/docket?sslmode=verify-full`)).toEqual(both);
    await new Promise((resolve) => server.close(resolve));
    await rm(folder, { recursive: true, force: true });
  });
});
