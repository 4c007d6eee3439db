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
    ["postgresql://docket:a b@db/docket", { password: "a b", host: "db" }],
    ["postgresql://db/docket?user=docket@site&sslmode=verify-full", { user: "docket@site", host: "db" }],
    ["postgresql://docket@/docket?host=/var/run/postgresql", { user: "docket", host: "/var/run/postgresql" }],
    ["postgresql:///docket?host=/var/run/postgresql", { host: "/var/run/postgresql" }],
    ["postgresql://docket@[::1]:5432/docket", { user: "docket", host: "::1" }],
  ])("%s is taken, and the driver reads it as it is meant", (address, parts) => {
    expect(addressProblem(address)).toBeNull();
    expect(new pg.Client({ connectionString: address })).toMatchObject({ ...parts, database: "docket" });
  });

  it.each(["a/b", "a#b", "a?b", "12/b", "12#b", "12?b", "/", "#", "?"])(
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

it.each([
  ["setup", ["setup", "--no-temporal"]],
  ["worker", ["worker", "--queues", "ocr"]],
  ["text", ["text", "0f0f0f0f"]],
])("`docket %s` names the variable and the remedy, and not the password", async (_, command) => {
  const DATABASE_URL = "postgresql://docket:hunter/2@127.0.0.1:5432/docket";
  const { code, stdout, stderr } = await docket(command, stackEnvironment({ DATABASE_URL }));
  expect(code).toBe(1);
  expect(stderr).toContain("DATABASE_URL cannot be read as an address");
  expect(stderr).toContain("%2F");
  expect(stdout + stderr).not.toContain("hunter");
});
