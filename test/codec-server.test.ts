import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes, randomUUID } from "node:crypto";
import { once } from "node:events";
import type { Client } from "@temporalio/client";
import { historyToJSON } from "@temporalio/common/lib/proto-utils.js";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { connectTemporal } from "#docket/client/connect";
import { loadTemporalConnection } from "#docket/config/temporal-connection";
import { findTemporal } from "#docket/local/parts/temporal-cli";
import { docket, runCommand, stackEnvironment } from "./support/stack.ts";

const run = randomUUID().slice(0, 8);
const workflowId = `codec-server-${run}`;
const secret = `Merger with Zanzibar ${run}.pdf`;
const origin = "http://ui.example.com:8080";
const token = randomBytes(16).toString("hex");
const keys = { DOCKET_PAYLOAD_KEYS: `ours=${randomBytes(32).toString("base64")}` };

let temporal: Client;
let server: ChildProcess;
let address: string;
/** Payloads of a history as the server keeps it, as the Web UI gets them. */
let payloads: JsonPayload[];

interface JsonPayload {
  metadata: Record<string, string>;
  data: string;
}

beforeAll(async () => {
  temporal = await connectTemporal(loadTemporalConnection(stackEnvironment(keys)));
  // A queue that nobody serves: the input is all that its history holds.
  const args = [{ document: { bucket: "none", key: secret } }];
  const handle = await temporal.workflow.start("processDocument", { workflowId, taskQueue: workflowId, args });
  const { events } = JSON.parse(historyToJSON(await handle.fetchHistory()));
  payloads = events[0].workflowExecutionStartedEventAttributes.input.payloads;
  const environment = stackEnvironment({ ...keys, DOCKET_CODEC_TOKEN: token });
  const command = ["dist/cli/docket.js", "codec-server", "--port", "0", "--origin", origin, "--json"];
  server = spawn(process.execPath, command, { env: environment, stdio: ["ignore", "pipe", "inherit"] });
  const [line] = await once(server.stdout ?? server, "data");
  ({ address } = JSON.parse(String(line)));
});
afterAll(async () => {
  const ended = once(server, "exit");
  server.kill("SIGTERM");
  await ended;
  await temporal.workflow.getHandle(workflowId).terminate("end of the test");
  await temporal.connection.close();
});

const post = (path: string, body: string, headers: Record<string, string> = {}) =>
  fetch(`${address}${path}`, {
    method: "POST",
    headers: { "content-type": "application/json", authorization: `Bearer ${token}`, ...headers },
    body,
  });
const text = (base64: string | undefined) => Buffer.from(base64 ?? "", "base64").toString();

describe("a caller with the token", () => {
  it("gets what a history holds decrypted, and encrypted again", async () => {
    expect(text(payloads[0]?.metadata["encoding"])).toBe("binary/encrypted");
    expect(text(payloads[0]?.data)).not.toContain("Zanzibar");
    const decoded = await post("/default/decode", JSON.stringify({ payloads }), { "x-namespace": "default" });
    expect(decoded.status).toBe(200);
    const plain = (await decoded.json()) as { payloads: JsonPayload[] };
    expect(JSON.parse(text(plain.payloads[0]?.data))).toEqual({ document: { bucket: "none", key: secret } });
    expect(text(plain.payloads[0]?.metadata["encoding"])).toBe("json/plain");
    const encoded = await post("/encode", JSON.stringify(plain));
    const sealed = (await encoded.json()) as typeof plain;
    expect(text(sealed.payloads[0]?.metadata["encryption-key-id"])).toBe("ours");
    expect(sealed.payloads[0]?.data).not.toBe(payloads[0]?.data);
    expect(await (await post("/decode", JSON.stringify(sealed))).json()).toEqual(plain);
  });

  it("may be Temporal's own command line", async () => {
    const { TEMPORAL_ADDRESS } = stackEnvironment();
    const show = ["workflow", "show", "--workflow-id", workflowId, "--address", TEMPORAL_ADDRESS ?? "", "-o", "json"];
    const codec = ["--codec-endpoint", address, "--codec-auth", `Bearer ${token}`];
    const { code, stdout, stderr } = await runCommand(await findTemporal(), [...show, ...codec]);
    expect(code, stderr).toBe(0);
    const { input } = JSON.parse(stdout).events[0].workflowExecutionStartedEventAttributes;
    expect(text(input.payloads[0].data)).toContain(secret);
  });

  it("is told which key is missing, and what is no request", async () => {
    const metadata = { ...payloads[0]?.metadata, "encryption-key-id": Buffer.from("lost").toString("base64") };
    const lost = await post("/decode", JSON.stringify({ payloads: [{ ...payloads[0], metadata }] }));
    expect(lost.status).toBe(422);
    expect(await lost.text()).toContain('\\"lost\\"; this process has: ours');
    expect((await post("/decode", "{")).status).toBe(400);
    expect((await post("/decode", '{"payloads": [{"data": "not base64!"}]}')).status).toBe(400);
    expect((await post("/elsewhere", "{}")).status).toBe(404);
    const large = await post("/decode", "x".repeat(20 * 1024 * 1024));
    expect([large.status, await large.text()]).toEqual([413, expect.stringContaining("8388608 bytes")]);
    expect((await fetch(`${address}/decode`)).status).toBe(405);
  });
});

describe("who may not ask", () => {
  const body = () => JSON.stringify({ payloads });

  it("is a caller without the token, or with another", async () => {
    for (const authorization of ["", "Bearer wrong", token]) {
      const answer = await post("/decode", body(), { authorization });
      expect(answer.status).toBe(401);
      expect(await answer.text()).not.toContain("Zanzibar");
    }
  });

  it("is a page of another origin; the Web UI's own may, also by a browser's question before", async () => {
    const other = await post("/decode", body(), { origin: "http://elsewhere.example.com" });
    expect(other.status).toBe(403);
    expect(other.headers.get("access-control-allow-origin")).toBeNull();
    const headers = { origin, "access-control-request-method": "POST" };
    const preflight = await fetch(`${address}/decode`, { method: "OPTIONS", headers });
    expect(preflight.status).toBe(204);
    expect(preflight.headers.get("access-control-allow-headers")).toContain("x-namespace");
    const own = await post("/decode", body(), { origin });
    expect([own.status, own.headers.get("access-control-allow-origin")]).toEqual([200, origin]);
  });

  it("is everybody, where a server would listen on a network without a token, or has no keys", async () => {
    const open = await docket(["codec-server", "--host", "0.0.0.0"], stackEnvironment(keys));
    expect(open).toMatchObject({ code: 1, stderr: expect.stringContaining("everybody") });
    expect(await docket(["codec-server"])).toMatchObject({ code: 1, stderr: expect.stringContaining("no keys") });
  });
});
