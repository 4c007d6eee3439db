import { spawn } from "node:child_process";
import { once } from "node:events";
import { copyFile, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PDFDocument } from "pdf-lib";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { type BreakingProxy, startBreakingProxy } from "../chaos/tcp-proxy.ts";
import { stackEnvironment, useStack } from "./support/stack.ts";

const stack = useStack();
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "docket-outage-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** A document that no other test has. */
async function freshDocument(name: string): Promise<string> {
  const pdf = await PDFDocument.create();
  pdf
    .addPage([300, 200])
    .drawText(`Handed in while something was down: ${name} ${Date.now()}`, { x: 10, y: 100, size: 10 });
  const path = join(folder, `${name}.pdf`);
  await writeFile(path, await pdf.save());
  return path;
}

/** The environment with one service behind a proxy, at `place` of the variable's value. */
async function behindProxy(variable: string): Promise<{ proxy: BreakingProxy; extra: Record<string, string> }> {
  const value = inject("environment")[variable] ?? "";
  const port = /:(\d+)(?=\/|$)/.exec(value)?.[1] ?? "";
  const proxy = await startBreakingProxy(() => Number(port));
  return { proxy, extra: { [variable]: value.replace(`:${port}`, `:${proxy.port}`) } };
}

/** Runs a command and mends the service as soon as the command says that it waits for it; told what it said so far. */
async function runDuringOutage(args: string[], extra: Record<string, string>, onWaiting: (said: string) => void) {
  const child = spawn(process.execPath, ["dist/cli/docket.js", ...args], {
    env: stackEnvironment(extra),
    stdio: ["ignore", "pipe", "pipe"],
  });
  const output = { stdout: "", stderr: "" };
  child.stdout.on("data", (chunk) => {
    output.stdout += chunk;
  });
  child.stderr.on("data", (chunk) => {
    output.stderr += chunk;
    if (output.stderr.includes("waiting for")) onWaiting(output.stderr);
  });
  const [code] = (await once(child, "close")) as [number | null];
  return { code, ...output };
}

const services = [
  { service: "S3", variable: "AWS_ENDPOINT_URL_S3" },
  { service: "PostgreSQL", variable: "DATABASE_URL" },
  { service: "Temporal", variable: "TEMPORAL_ADDRESS" },
];

describe("a service that is down at the moment of hand-in", () => {
  it.each(services)(
    "$service: submit says that it waits, and hands in when it is back",
    async ({ service, variable }) => {
      const { proxy, extra } = await behindProxy(variable);
      proxy.refuse(true);
      const file = await freshDocument(`submit-${service}`);
      const { code, stdout, stderr } = await runDuringOutage(["submit", file], extra, () => proxy.refuse(false));
      await proxy.close();
      expect(stderr).toMatch(
        new RegExp(`waiting for ${service} at .*:${proxy.port}.*: (refused|connection (reset|closed)|no answer)`),
      );
      expect({ code, stdout }).toMatchObject({ code: 0, stdout: expect.stringContaining("submit-") });
      const [documentId = ""] = stdout.split(" ");
      const result = await stack.client.workflow.getHandle(`document/${documentId}`).result();
      expect(result).toMatchObject({ status: "complete", storedPages: 1 });
    },
  );

  it("submit --wait shows it among the progress, and the document completes", async () => {
    const { proxy, extra } = await behindProxy("AWS_ENDPOINT_URL_S3");
    proxy.refuse(true);
    const file = await freshDocument("follow");
    const { code, stdout, stderr } = await runDuringOutage(["submit", "--wait", "--json", file], extra, () =>
      proxy.refuse(false),
    );
    await proxy.close();
    expect(stderr).toContain("Nothing is lost: waiting for S3 at ");
    expect({ code, result: JSON.parse(stdout) }).toMatchObject({ code: 0, result: { status: "complete" } });
  });

  it("run waits for the configured PostgreSQL and Temporal before it migrates and starts workers", async () => {
    const [database, temporal] = [await behindProxy("DATABASE_URL"), await behindProxy("TEMPORAL_ADDRESS")];
    for (const { proxy } of [database, temporal]) proxy.refuse(true);
    const file = await freshDocument("run");
    const args = ["run", "--project", "outage-run", "--data-directory", join(folder, "run"), "--json", file];
    const extra = { ...database.extra, ...temporal.extra };
    const { code, stdout, stderr } = await runDuringOutage(args, extra, (said) => {
      database.proxy.refuse(!said.includes("waiting for PostgreSQL"));
      temporal.proxy.refuse(!said.includes("waiting for Temporal"));
    });
    for (const { proxy } of [database, temporal]) await proxy.close();
    expect(stderr).toMatch(/waiting for PostgreSQL at .*\n.*The service answers again/s);
    expect(stderr).toContain("waiting for Temporal at ");
    expect({ code, result: JSON.parse(stdout) }).toMatchObject({ code: 0, result: { status: "complete" } });
  });

  it("status waits for PostgreSQL", async () => {
    const { proxy, extra } = await behindProxy("DATABASE_URL");
    proxy.refuse(true);
    const { code, stderr } = await runDuringOutage(["status", "--limit", "1"], extra, () => proxy.refuse(false));
    await proxy.close();
    expect(stderr).toContain("waiting for PostgreSQL at ");
    expect(code).toBe(0);
  });

  it("one that stays away is a failure after the time that was given, which says what to do", async () => {
    const { proxy, extra } = await behindProxy("AWS_ENDPOINT_URL_S3");
    proxy.refuse(true);
    const file = join(folder, "late.jpg");
    await copyFile("samples/invoice.jpg", file);
    const args = ["submit", "--project", "outage-late", "--service-wait", "1", "--json", file];
    const { code, stdout } = await runDuringOutage(args, extra, () => {});
    await proxy.close();
    const { failure } = JSON.parse(stdout);
    expect({ code, failure }).toMatchObject({ code: 2, failure: { type: "StorageUnavailable" } });
    expect(failure.message).toMatch(/S3 at .* for \d+ s/);
    expect(failure.remedy).toContain("run the command again");
  });
});
