import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { isFailureType } from "#docket/contract/failures";
import { workerEnvironment } from "#docket/worker/worker-environment";
import { spawnEndpoint } from "../support/local-textract.ts";
import { peakMebibytes, watchRecognizers } from "../support/process-memory.ts";
import { connectStack, documentQueues, type Running, runCommand, startWorker } from "../support/stack.ts";
import { wordRecall } from "../support/word-recall.ts";
import { type BadInput, badInputs, writeBadInput } from "./catalogue.mjs";

type Engine = "textract" | "local";

/**
 * BAD_INPUTS=png-,jpeg-: hands in only documents whose name begins so; for working on these. BAD_INPUTS=all: every one.
 * Otherwise every second one goes through the whole stack, to keep the tests short.
 */
const wanted = process.env["BAD_INPUTS"] ?? "";
const beginnings = wanted === "all" ? [""] : wanted.split(",");
const everyHandedIn = wanted === "" ? 2 : 1;

/** What holds for every process that a document can reach, MiB. */
const limits = { recognizer: 256, worker: 800, endpoint: 300, inspection: 300 };
/** The endpoint uses the same recogniser, so that the engine `local` need not see every document again. */
const everyLocal = 3;
/** After the prerequisites only the reader can tell. */
const toldByReader = ["complete", "TextractJobFailed", "PagesFailed", "OutOfMemory", "LocalLimitExceeded", "XfaForm"];

let folder: string;
const paths = new Map<string, string>();
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "docket-bad-inputs-"));
  for (const input of badInputs) paths.set(input.name, await writeBadInput(input, folder));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const pathOf = ({ name }: BadInput) => paths.get(name) ?? "";

describe("broken and hostile documents", () => {
  it("are at least 80, of different names, with outcomes that exist", () => {
    expect(new Set(badInputs.map(({ name }) => name)).size).toBe(badInputs.length);
    expect(badInputs.length).toBeGreaterThanOrEqual(80);
    const named = badInputs.flatMap(({ textract, local }) => [...textract, ...local]);
    expect(named.filter((name) => name !== "complete" && !isFailureType(name))).toEqual([]);
  });

  it("are told by the look at their structure, or let through to a reader that will tell, in bounded memory", async () => {
    const { stdout, stderr } = await runCommand(process.execPath, [
      "test/bad-inputs/inspect.mjs",
      ...badInputs.map(pathOf),
    ]);
    const lines = stdout
      .split("\n")
      .filter(Boolean)
      .map((line) => JSON.parse(line));
    const last = lines.pop();
    expect(lines.length, stderr).toBe(badInputs.length);
    const wrong = badInputs.flatMap((input, i) =>
      (["textract", "local"] as const).flatMap((engine) => {
        const found: string[] = lines[i][engine];
        const allowed = found.length > 0 ? found : toldByReader;
        return input[engine].some((type) => allowed.includes(type)) ? [] : [{ ...input, engine, found }];
      }),
    );
    expect(wrong).toEqual([]);
    expect(last.peakMebibytes).toBeLessThan(limits.inspection);
  });
});

describe.runIf(process.platform === "linux")("a queue of broken and hostile documents", () => {
  const workers: Running[] = [];
  let stack: Awaited<ReturnType<typeof connectStack>>;
  let textract: Awaited<ReturnType<typeof spawnEndpoint>>;
  beforeAll(async () => {
    stack = await connectStack();
    // Of its own: the shared one's peak is that of all files before.
    textract = await spawnEndpoint(join(folder, "textract"));
    // How much V8 and glibc take where there is more than enough depends on the machine.
    const node = { ...workerEnvironment, NODE_OPTIONS: "--max-old-space-size=512" };
    const settings = { ...node, AWS_ENDPOINT_URL_TEXTRACT: textract.address };
    workers.push(await startWorker(documentQueues, settings), await startWorker("ocr", settings));
  });
  afterAll(async () => {
    await Promise.all(workers.map((worker) => worker.stop()));
    const ended = once(textract.child, "exit");
    textract.child.kill("SIGTERM");
    await ended;
    await stack.close();
  });

  async function endOf(key: string, project: string, engine: Engine): Promise<string> {
    const handle = await stack.client.workflow.start("processDocument", {
      taskQueue: "documents",
      workflowId: `${project}-${engine}`,
      args: [{ document: { bucket: stack.bucket, key }, project: `${project}-${engine}`, engine }],
    });
    return handle.result().then(
      ({ status }) => status,
      (error) => error.cause?.type ?? error.message,
    );
  }

  async function textOf(project: string): Promise<string> {
    const pages = await stack.database.page.findMany({
      where: { document: { project: { slug: project } } },
      orderBy: { number: "asc" },
    });
    return pages.map(({ text }) => text).join("\n");
  }

  it("ends each as it should, keeps its processes alive and small, and harms nothing behind it", async () => {
    const endpoint = textract.child.pid ?? 0;
    const [documents, ocr] = workers.map(({ child }) => child.pid ?? 0) as [number, number];
    const recognizers = watchRecognizers([endpoint, documents, ocr]);
    const handedIn = badInputs
      .filter(({ name, stack: inStack }) => inStack !== false && beginnings.some((begin) => name.startsWith(begin)))
      .filter((_, i) => i % everyHandedIn === 0);
    if (wanted === "") expect(handedIn.length).toBeGreaterThanOrEqual(80);
    for (const input of handedIn) await stack.upload(input.name, pathOf(input));
    await stack.upload("good.pdf", "samples/service-agreement.pdf");

    const engines: Engine[] = ["textract", "local"];
    const good = { name: "good.pdf", textract: ["complete"], local: ["complete"] };
    const ends = await Promise.all(
      engines.flatMap((engine) => {
        const bad = handedIn.map((input, i) => ({ input, project: `bad-${i}` }));
        const chosen = bad.filter((_, i) => engine === "textract" || i % everyLocal === 0);
        return [...chosen, { input: good, project: "good-behind-bad" }].map(async ({ input, project }) => ({
          ...input,
          engine,
          ended: await endOf(input.name, project, engine),
        }));
      }),
    );

    expect(ends.filter(({ ended, engine, ...input }) => !input[engine].includes(ended))).toEqual([]);
    const truth = await readFile("samples/service-agreement.txt", "utf8");
    for (const engine of engines) {
      expect(wordRecall(truth, await textOf(`good-behind-bad-${engine}`)), engine).toBe(1);
    }
    expect(workers.map(({ child }) => [child.exitCode, child.signalCode])).toEqual(workers.map(() => [null, null]));

    const peaks = {
      recognizer: recognizers.stop(),
      worker: Math.max(peakMebibytes(documents), peakMebibytes(ocr)),
      endpoint: peakMebibytes(endpoint),
    };
    for (const [name, peak] of Object.entries(peaks)) {
      expect(peak, JSON.stringify(peaks)).toBeGreaterThan(40);
      expect(peak, JSON.stringify(peaks)).toBeLessThan(limits[name as keyof typeof peaks]);
    }
    console.log(`peaks in MiB: ${JSON.stringify(peaks)}`);
  }, 1_500_000);
});
