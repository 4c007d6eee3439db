import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { runCommand } from "./support/stack.ts";

// The real npm asks a registry on loopback, which knows the advisories that the test wants.
let registry: Server;
let folder: string;
let answer: { status: number; body: object };
const advisory = {
  id: 1,
  url: "https://github.com/advisories/GHSA-aaaa-bbbb-cccc",
  title: "made for this test",
  severity: "high",
  vulnerable_versions: "*",
};

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "docket-audit-"));
  registry = createServer((request, response) => {
    const { status, body } = request.method === "POST" ? answer : { status: 404, body: {} };
    request.resume().once("end", () => response.writeHead(status).end(JSON.stringify(body)));
  });
  await new Promise<void>((resolve) => registry.listen(0, "127.0.0.1", resolve));
});
afterAll(async () => {
  registry.close();
  await rm(folder, { recursive: true, force: true });
});

async function audit(exceptions: object[]) {
  const file = join(folder, "exceptions.json");
  await writeFile(file, JSON.stringify(exceptions));
  const { port } = registry.address() as AddressInfo;
  return runCommand(process.execPath, ["scripts/audit.mjs"], {
    ...process.env,
    AUDIT_EXCEPTIONS: file,
    npm_config_registry: `http://127.0.0.1:${port}/`,
    npm_config_cache: join(folder, "cache"),
    npm_config_fetch_retries: "0",
  });
}
const excuse = { advisory: "GHSA-aaaa-bbbb-cccc", reason: "not reached from outside", until: "2999-01-01" };

it("a high advisory fails, by package and address, and passes with an exception that has a reason and is not over", async () => {
  answer = { status: 200, body: { pg: [advisory] } };
  const found = await audit([]);
  expect(found.stderr).toMatch(/^high: pg \*: made for this test \(https:.*GHSA-aaaa-bbbb-cccc\)$/m);
  expect(found.code).toBe(1);
  expect(await audit([excuse])).toMatchObject({
    code: 0,
    stdout: expect.stringContaining("excused until 2999-01-01: GHSA-aaaa-bbbb-cccc in pg: not reached from outside"),
  });
  expect(await audit([{ ...excuse, until: "2020-01-01" }])).toMatchObject({ code: 1 });
});

it("a moderate advisory passes; an exception that fits nothing fails", async () => {
  answer = { status: 200, body: { pg: [{ ...advisory, id: 2, severity: "moderate" }] } };
  expect(await audit([])).toMatchObject({ code: 0, stdout: expect.stringMatching(/^audited \d+ packages/) });
  expect(await audit([excuse])).toMatchObject({ code: 1, stderr: expect.stringContaining("fits nothing any more") });
});

it("a registry without audit data passes visibly, one that is in trouble does not", async () => {
  answer = { status: 405, body: {} };
  expect(await audit([])).toMatchObject({ code: 0, stdout: expect.stringMatching(/^NOT AUDITED: .*405/) });
  answer = { status: 503, body: {} };
  expect((await audit([])).code).toBe(1);
});

it("the exceptions of this repository have a form that the audit takes", async () => {
  const { default: exceptions } = await import("../audit-exceptions.json", { with: { type: "json" } });
  expect(exceptions).toBeInstanceOf(Array);
});
