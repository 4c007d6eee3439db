import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { describe, expect, it } from "vitest";
import { addressProblem } from "#docket/config/database-address";
import { docket, stackEnvironment } from "./support/stack.ts";

describe("an address of a database", () => {
  it.each([
    ["postgresql://docket:secret@db:5433/docket", { user: "docket", password: "secret", host: "db", port: 5433 }],
    ["postgres://docket:a%2Fb%23c%3Fd@db/docket", { password: "a/b#c?d", host: "db" }],
    ["postgresql://docket:a@b@db/docket", { password: "a@b", host: "db" }],
    ["postgresql://docket:100%@db/docket", { password: "100%", host: "db" }],
    ["postgresql://docket:caf%C3%A9%25@db/docket?application_name=%aa", { password: "café%", host: "db" }],
    ["postgresql://docket:a b@db/docket", { password: "a b", host: "db" }],
    ["postgresql://db/docket?user=docket@site&sslmode=verify-full", { user: "docket@site", host: "db" }],
    ["postgresql://docket@/docket?host=/var/run/postgresql", { user: "docket", host: "/var/run/postgresql" }],
    ["postgresql:///docket?host=/var/run/postgresql", { host: "/var/run/postgresql" }],
    ["postgresql://docket@[::1]:5432/docket", { user: "docket", host: "::1" }],
  ])("%s is taken, and the driver reads it as it is meant", (address, parts) => {
    expect(addressProblem(address)).toBeNull();
    expect(new pg.Client({ connectionString: address })).toMatchObject({ ...parts, database: "docket" });
  });

  it.each(["a/b", "a#b", "a?b", "12/b", "12#b", "12?b", "/", "#", "?", "50%aa", "%80"])(
    "with the password %s as it is, it is refused: the driver reads something else, or nothing",
    (password) => {
      const address = `postgresql://docket:${password}@db:5432/docket`;
      expect(addressProblem(address)).toContain("%2F %23 %3F");
      expect(() =>
        expect(new pg.Client({ connectionString: address })).toMatchObject({ host: "db", password }),
      ).toThrow();
    },
  );
});

const environment = () => {
  // `URL` reads the digits as a port.
  return stackEnvironment({ DATABASE_URL: "postgresql://docket:4711/hunter@127.0.0.1:5432/docket" });
};

it.each([
  ["setup", ["setup", "--no-temporal"]],
  ["worker", ["worker", "--queues", "ocr"]],
  ["text", ["text", "0f0f0f0f"]],
])("`docket %s` names the variable and the remedy, and not the password", async (_, command) => {
  const { code, stdout, stderr } = await docket(command, environment());
  expect(code).toBe(1);
  expect(stderr).toContain("DATABASE_URL cannot be read as an address");
  expect(stderr).toContain("%2F");
  expect(stdout + stderr).not.toMatch(/4711|hunter/);
});

it.each([
  ["up", ["up"]],
  ["run", ["run", "samples/invoice.jpg"]],
])("`docket %s` says so before it starts anything", async (_, command) => {
  const folder = await mkdtemp(join(tmpdir(), "docket-address-"));
  try {
    const { code, stdout, stderr } = await docket([...command, "--data-directory", folder], environment());
    expect(code).toBe(1);
    expect(stderr).toContain("DATABASE_URL cannot be read as an address");
    expect(stderr).toContain("leave it unset for the embedded PostgreSQL");
    expect(stdout + stderr).not.toMatch(/4711|hunter|Temporal|Textract/);
    expect(await readdir(folder)).toEqual([]);
  } finally {
    await rm(folder, { recursive: true });
  }
});
