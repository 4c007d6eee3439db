import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes, randomUUID } from "node:crypto";
import { once } from "node:events";
import type { Client } from "@temporalio/client";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { connectTemporal } from "#docket/client/connect";
import { loadTemporalConnection } from "#docket/config/temporal-connection";
import { chromiumProgram, launchChromium } from "./support/chromium.ts";
import { connectStack, docket, stackEnvironment, startWorker } from "./support/stack.ts";

// Temporal's own Web UI, in a namespace in which everything is encrypted.
const name = `web-ui-${randomUUID().slice(0, 8)}`;
const secret = `Merger with Zanzibar, ${name}.pdf`;
const keys = { TEMPORAL_NAMESPACE: name, DOCKET_PAYLOAD_KEYS: `ours=${randomBytes(32).toString("base64")}` };
const webUi = inject("temporalWebUi");
const wait = { timeout: 120_000 };

let temporal: Client;
let server: ChildProcess;
let codec: string;
let browser: Browser;

/** The page of the failed document. */
async function open(): Promise<Page> {
  const page = await browser.newPage({ viewport: { width: 1400, height: 1200 } });
  page.setDefaultTimeout(wait.timeout);
  await page.goto(`${webUi}/namespaces/${name}/workflows/${name}`);
  await page.getByRole("heading", { name: "Result" }).waitFor(wait);
  return page;
}
const textOf = (page: Page) => page.locator("main").textContent();

describe.skipIf(chromiumProgram === undefined || webUi === null)(
  "the Web UI (skipped: no Chromium on the PATH)",
  () => {
    beforeAll(async () => {
      expect(await docket(["setup", "--no-database"], stackEnvironment(keys))).toMatchObject({ code: 0 });
      temporal = await connectTemporal(loadTemporalConnection(stackEnvironment(keys)));
      const worker = await startWorker("documents", keys);
      const document = { bucket: stackEnvironment()["DOCKET_BUCKET"] ?? "", key: secret };
      const start = { workflowId: name, taskQueue: "documents", args: [{ document, project: name }] };
      await expect(temporal.workflow.execute("processDocument", start)).rejects.toThrow();
      await worker.stop();
      const command = ["codec-server", "--port", "0", "--origin", webUi ?? "", "--json"];
      server = spawn(process.execPath, ["dist/cli/docket.js", ...command], {
        env: stackEnvironment(keys),
        stdio: ["ignore", "pipe", "inherit"],
      });
      const [line] = await once(server.stdout ?? server, "data");
      codec = JSON.parse(String(line)).address;
      browser = await launchChromium();
    });
    afterAll(async () => {
      await browser?.close();
      const ended = once(server, "exit");
      server.kill("SIGTERM");
      await ended;
      await temporal.connection.close();
      const { database, close } = await connectStack();
      await database.document.deleteMany({ where: { workflowId: name } });
      await database.project.deleteMany({ where: { slug: name } });
      await close();
    });

    it("shows what is encrypted as it is, without a codec server", async () => {
      const text = await textOf(await open());
      expect(text).toContain("Encoded failure");
      expect(text).toContain("encryption-key-id");
      expect(text).not.toContain("Zanzibar");
    });

    it("shows a document's input and why it failed, where `docket codec-server` is its endpoint", async () => {
      const page = await open();
      await page.getByRole("button", { name: "Configure Codec Server" }).click();
      await page.getByPlaceholder("Paste your endpoint here").fill(codec);
      await page.getByRole("button", { name: "Apply" }).click();
      // The page that is open stays as it was.
      await page.reload();
      await expect.poll(() => textOf(page), wait).toContain(`"key": "${secret}"`);
      await expect.poll(() => textOf(page), wait).toContain(`${secret}: there is no such object`);
    });
  },
);
