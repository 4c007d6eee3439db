import { randomBytes, randomUUID, webcrypto } from "node:crypto";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Client, Connection, WorkflowFailedError } from "@temporalio/client";
import type { Payload } from "@temporalio/common";
import proto from "@temporalio/proto";
import { pino } from "pino";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { connectTemporal } from "#docket/client/connect";
import { readWorkflowStage } from "#docket/client/workflow-stage";
import { loadTemporalConnection } from "#docket/config/temporal-connection";
import { checkPayloadKeys } from "#docket/worker/payload-check";
import { readable } from "./support/readable.ts";
import { smallPdf } from "./support/small-pdf.ts";
import { connectStack, docket, type Running, stackEnvironment, startWorker } from "./support/stack.ts";

// A namespace of its own, in which everything is encrypted from the first document on.
const run = randomUUID().slice(0, 8);
const namespace = `sealed-${run}`;
const held = `held-${run}`;
const secret = { name: `Merger with Zanzibar ${run}`, failing: `Bribe for Quito ${run}` };
const bytes = { first: randomBytes(32), second: randomBytes(32) };
const key = (id: keyof typeof bytes) => `${id}-${run}=${bytes[id].toString("base64")}`;
const firstOnly = { TEMPORAL_NAMESPACE: namespace, DOCKET_PAYLOAD_KEYS: key("first") };
const rotated = { TEMPORAL_NAMESPACE: namespace, DOCKET_PAYLOAD_KEYS: `${key("second")},${key("first")}` };

let folder: string;
let stack: Awaited<ReturnType<typeof connectStack>>;
let connection: Connection;
/** Sees what the server keeps. */
let blind: Client;
/** Has all keys. */
let seeing: Client;
let worker: Running;
let heldId: string;

const file = (name: string) => join(folder, `${name}.pdf`);
const lines = (stdout: string) =>
  stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
const command = (args: string[], keys: Record<string, string> = firstOnly) => docket(args, stackEnvironment(keys));

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "docket-sealed-"));
  stack = await connectStack();
  connection = await Connection.connect({ address: inject("environment")["TEMPORAL_ADDRESS"] ?? "" });
  blind = new Client({ connection, namespace });
  expect(await command(["setup", "--no-database"])).toMatchObject({ code: 0 });
  seeing = await connectTemporal(loadTemporalConnection(stackEnvironment(rotated)));
  worker = await startWorker("documents,textract-results", firstOnly);
});
afterAll(async () => {
  await worker.stop();
  await connection.close();
  await seeing.connection.close();
  await stack.close();
  await rm(folder, { recursive: true, force: true });
});

/** What the server keeps of every workflow: history, description with pending activities, place in the list. */
async function kept(): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  for await (const execution of blind.workflow.list()) {
    const handle = blind.workflow.getHandle(execution.workflowId, execution.runId);
    const answers = [await handle.fetchHistory(), (await handle.describe()).raw, execution.raw];
    found.set(`${execution.type} ${execution.workflowId} ${execution.runId}`, answers.map(readable).join("\n"));
  }
  return found;
}

describe("with payload keys", () => {
  it("documents are read, and fail with their cause, as ever", async () => {
    const submitting = await startWorker("textract-submit", firstOnly);
    await writeFile(file(secret.name), await smallPdf(secret.name));
    await writeFile(file(secret.failing), "no PDF at all");
    const files = [file(secret.name), file(secret.failing)];
    const submitted = await command(["submit", "--wait", "--project", `sealed-${run}`, "--json", ...files]);
    await submitting.stop();
    expect(submitted.code, submitted.stderr).toBe(2);
    const [complete, failed] = lines(submitted.stdout).sort((a, b) => a.status.localeCompare(b.status));
    expect(complete).toMatchObject({ status: "complete", pages: 1 });
    expect(failed).toMatchObject({
      failure: { type: "UnsupportedMedia", message: expect.stringContaining(`${secret.failing}.pdf`) },
    });
  });

  it("a batch starts its documents, and says why it waits to who has the key", async () => {
    await mkdir(join(folder, "batch"));
    await writeFile(join(folder, "batch", `${secret.name}.pdf`), await smallPdf(`${secret.name}, held`));
    // Nobody serves textract-submit now: the document waits in the middle of its life.
    const batch = await command(["batch", join(folder, "batch"), "--project", held, "--detach", "--json"]);
    expect(batch.code, batch.stderr).toBe(0);
    const batchWorkflow = `batch/${lines(batch.stdout)[0].id}`;
    const waiting = async () => (await readWorkflowStage(seeing, batchWorkflow))?.waitingFor;
    await expect.poll(waiting, { timeout: 30_000 }).toMatch(/under way/);
    const { pendingActivities } = (await blind.workflow.getHandle(batchWorkflow).describe()).raw;
    expect(pendingActivities?.[0]?.lastFailure?.message).toBe("Encoded failure");
    const document = async () => stack.database.document.findFirst({ where: { project: { slug: held } } });
    await expect.poll(document, { timeout: 30_000 }).not.toBeNull();
    heldId = (await document())?.id ?? "";
    const progress = () => seeing.workflow.getHandle(`document/${heldId}`).query<{ stage: string }>("progress");
    await expect.poll(async () => (await progress()).stage, { timeout: 30_000 }).toBe("submitTextract");
  });

  it("the server keeps no name, no key of an object and no text", async () => {
    const workflows = await kept();
    const types = new Set([...workflows.keys()].map((name) => name.split(" ")[0]));
    expect(types).toEqual(new Set(["processBatch", "processDocument"]));
    for (const [name, answers] of workflows) {
      expect(answers, name).toContain(`first-${run}`);
      for (const word of ["Zanzibar", "Quito", "documents/sealed", ".pdf", "This is page"]) {
        expect(answers.includes(word), `${word} in ${name}`).toBe(false);
      }
    }
  });

  it("the same histories hold the names for who has the key", async () => {
    const words: string[] = [];
    for await (const { workflowId, runId } of seeing.workflow.list({ query: 'WorkflowType = "processDocument"' })) {
      const handle = seeing.workflow.getHandle(workflowId, runId);
      words.push((await handle.describe().then((description) => description.staticSummary())) ?? "");
      const { events } = await handle.fetchHistory();
      const payloads = JSON.stringify(await Promise.all((events ?? []).flatMap(payloadsOf).map(decryptAlone)));
      words.push(payloads);
    }
    expect(words.join("\n")).toContain(`${secret.failing}.pdf`);
    expect(words.join("\n")).toContain(`documents/${held}/`);
  });

  it("a client without the codec is told what it lacks", async () => {
    const failed = (await stack.database.document.findFirst({
      where: { project: { slug: `sealed-${run}` }, status: "failed" },
    })) ?? { id: "" };
    const workflowId = `document/${failed.id}`;
    await expect(blind.workflow.getHandle(workflowId).result()).rejects.toThrow(/binary\/encrypted/);
    const error: unknown = await seeing.workflow
      .getHandle(workflowId)
      .result()
      .catch((cause) => cause);
    expect(error).toBeInstanceOf(WorkflowFailedError);
    expect(readable((error as WorkflowFailedError).cause?.message)).toContain(secret.failing);
    const keyless = await connectTemporal(loadTemporalConnection(stackEnvironment({ TEMPORAL_NAMESPACE: namespace })));
    await expect(keyless.workflow.getHandle(workflowId).result()).rejects.toMatchObject({
      type: "PayloadUnreadable",
      message: expect.stringContaining(`"first-${run}"; this process has: none`),
    });
    await keyless.connection.close();
  });
});

describe("a worker that cannot read the open documents", () => {
  it("says which key it lacks, and takes no work", async () => {
    const { code, stderr } = await command(["worker", "--queues", "documents"], { TEMPORAL_NAMESPACE: namespace });
    expect(code).toBe(1);
    expect(stderr).toContain(`"first-${run}"; this process has: none`);
    expect(stderr).toContain("DOCKET_PAYLOAD_KEYS");
  });

  it("says that its key of that name is another one, and tells no key", async () => {
    const other = randomBytes(32).toString("base64");
    const wrong = { TEMPORAL_NAMESPACE: namespace, DOCKET_PAYLOAD_KEYS: `first-${run}=${other}` };
    const client = await connectTemporal(loadTemporalConnection(stackEnvironment(wrong)));
    const problem = await checkPayloadKeys(client, pino({ level: "silent" })).catch((error) => error);
    expect(problem).toMatchObject({ type: "PayloadUnreadable" });
    expect(problem.message).toContain(`another key than this process has as "first-${run}"`);
    expect(`${problem.message}${problem.remedy}`).not.toContain(other.slice(0, 20));
    await client.connection.close();
  });
});

describe("a client with a key that no worker has", () => {
  const strange = `strange-${run}`;
  const strangers = Array.from({ length: 6 }, (_, index) => `${strange}-${index}`);
  const check = async (keys: Record<string, string>) => {
    const logged: string[] = [];
    const log = pino({ level: "error" }, { write: (line: string) => void logged.push(JSON.parse(line).msg) });
    const client = await connectTemporal(loadTemporalConnection(stackEnvironment(keys)));
    const problem = await checkPayloadKeys(client, log).catch((error) => error);
    await client.connection.close();
    return { problem, logged: logged.join("") };
  };

  it("keeps no worker from starting, which tells of what it cannot read; one without keys does not start", async () => {
    const wrong = {
      TEMPORAL_NAMESPACE: namespace,
      DOCKET_PAYLOAD_KEYS: `${strange}=${randomBytes(32).toString("base64")}`,
    };
    const stranger = await connectTemporal(loadTemporalConnection(stackEnvironment(wrong)));
    // On a queue that nobody serves, so that no worker tries them in vain for the rest of this file.
    const args = [{ document: { bucket: "none", key: "none" } }];
    for (const workflowId of strangers) {
      await stranger.workflow.start("processDocument", { taskQueue: strange, workflowId, args });
    }
    try {
      const open = 'WorkflowType = "processDocument" AND ExecutionStatus = "Running"';
      const newest = async () => {
        const { executions } = await blind.workflowService.listWorkflowExecutions({
          ...{ namespace, pageSize: 5, query: open },
        });
        return executions?.filter(({ execution }) => strangers.includes(execution?.workflowId ?? "")).length;
      };
      await expect.poll(newest, { timeout: 30_000 }).toBe(5);
      const right = await check(firstOnly);
      expect(right.problem).toBeUndefined();
      expect(right.logged).toContain(`"${strange}"; this process has: first-${run}`);
      const keyless = await check({ TEMPORAL_NAMESPACE: namespace });
      expect(keyless.problem).toMatchObject({ type: "PayloadUnreadable" });
    } finally {
      for (const workflowId of strangers) await blind.workflow.getHandle(workflowId).terminate("the test has ended");
      await stranger.connection.close();
    }
  });
});

it("a document that began under the old key ends under the new one", async () => {
  await worker.stop();
  worker = await startWorker(undefined, rotated);
  const handle = seeing.workflow.getHandle(`document/${heldId}`);
  expect(await handle.result()).toMatchObject({ status: "complete", documentId: heldId });
  const history = readable(await blind.workflow.getHandle(`document/${heldId}`).fetchHistory());
  for (const id of [`first-${run}`, `second-${run}`]) expect(history).toContain(id);
  expect(await command(["text", heldId], rotated)).toMatchObject({ code: 0, stdout: expect.stringContaining("held") });
});

describe("settings that are no keys", () => {
  const good = randomBytes(32).toString("base64");
  const lettersOnly = "FWvtTC0rWO4u8YoUyqBdFexNpr3oynnNwO2WESKalsc";
  it.each([
    ["a key that is too short", `a=${good},b=c2hvcnQ=`, "no 32 bytes in base64 at key 2"],
    ["a key without its id", good, "no id"],
    ["a key without its id that looks like one", `${lettersOnly}=`, "no id"],
    ["a shorter key without its id that looks like one", `${lettersOnly.slice(0, 22)}==`, "no id"],
    ["two keys of one id", `a=${good},a=${good}`, "two keys with the id a"],
    ["nothing but commas", ",,", "no key"],
  ])("%s", (_, DOCKET_PAYLOAD_KEYS, problem) => {
    const load = () => loadTemporalConnection({ DOCKET_PAYLOAD_KEYS });
    expect(load).toThrow(problem);
    expect(load).not.toThrow(good.slice(0, 20));
    expect(load).not.toThrow(lettersOnly.slice(0, 20));
  });

  it("a file takes the variable's place, and both are a mistake", async () => {
    const path = join(folder, "keys");
    await writeFile(path, `${key("second")}\n${key("first")}\n`);
    const { payloadKeys } = loadTemporalConnection({ DOCKET_PAYLOAD_KEYS_FILE: path });
    expect(payloadKeys.map(({ id }) => id)).toEqual([`second-${run}`, `first-${run}`]);
    const both = { DOCKET_PAYLOAD_KEYS_FILE: path, DOCKET_PAYLOAD_KEYS: key("first") };
    expect(() => loadTemporalConnection(both)).toThrow("both set");
    expect(() => loadTemporalConnection({ DOCKET_PAYLOAD_KEYS_FILE: `${path}-missing` })).toThrow("ENOENT");
  });
});

/** All payloads of an event, wherever they are in it. */
function payloadsOf(value: unknown): Payload[] {
  if (typeof value !== "object" || value === null || value instanceof Uint8Array) return [];
  const { metadata, data } = value as Payload;
  if (metadata?.["encryption-key-id"] !== undefined && data != null) return [{ metadata, data }];
  return Object.values(value).flatMap(payloadsOf);
}

/** Decrypts as the samples of Temporal's SDKs do, with none of Docket's code. */
async function decryptAlone({ metadata, data }: Payload): Promise<string> {
  const id = Buffer.from(metadata?.["encryption-key-id"] ?? []).toString();
  const raw = id.startsWith("first") ? bytes.first : bytes.second;
  const imported = await webcrypto.subtle.importKey("raw", raw, "AES-GCM", false, ["decrypt"]);
  const sealed = data ?? new Uint8Array();
  const parameters = { name: "AES-GCM", iv: Uint8Array.from(sealed.subarray(0, 12)) };
  const plain = await webcrypto.subtle.decrypt(parameters, imported, Uint8Array.from(sealed.subarray(12)));
  const payload = proto.temporal.api.common.v1.Payload.decode(new Uint8Array(plain));
  return Buffer.from(payload.data).toString();
}
