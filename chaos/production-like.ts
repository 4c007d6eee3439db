import { setMaxListeners } from "node:events";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Client, Connection } from "@temporalio/client";
import { Command, InvalidArgumentError } from "commander";
import { PDFDocument, StandardFonts } from "pdf-lib";
import { useVariables, withVariables } from "#docket/cli/stack/environment";
import { createDatabase, type Database } from "#docket/database/client";
import { runProgram } from "#docket/local/parts/run-program";
import { startStack } from "#docket/local/stack";
import { createObjectStorage } from "#docket/storage/create-object-storage";
import { type Ended, processOne } from "./hand-in.ts";
import { compareLedgers, readBilledJobs } from "./ledgers.ts";
import { serverPort, startTemporalServer } from "./temporal-server.ts";
import { type Member, WorkerFleet } from "./worker-fleet.ts";

// What a site looks like: Temporal's own server on PostgreSQL, three workers for documents and one for recognition, each
// a process of its own. While documents go through, workers are killed and the server is restarted.

interface Options {
  documents: number;
  minutes: number;
  keep?: boolean;
}

/** The last line of the output. */
interface Report {
  documents: number;
  complete: number;
  /** Read by the local recogniser; the others by Textract. */
  local: number;
  /** Jobs of the endpoint's own ledger, and documents that have any number of them but one. */
  billedJobs: number;
  billedOtherThanOnce: number;
  workersKilled: number;
  serverRestarts: number;
  /** From the first hand-in to the last end. */
  seconds: number;
  documentsPerSecond: number;
  violations: string[];
}

const namespace = "docket";
const project = "production-like";
const killEveryMilliseconds = 10_000;
/** Every so manieth document is for the local recogniser. */
const localEvery = 25;
const documentQueues = "documents,textract-submit,textract-results";
const members: Member[] = [
  ...[1, 2, 3].map((number) => ({ name: `worker-documents-${number}`, queues: documentQueues })),
  { name: "worker-ocr", queues: "ocr" },
];
// Names of settings of this machine's user that must not reach the stack: it is one of its own.
const foreign = /^(AWS_|DATABASE_URL$|TEMPORAL_|DOCKET_(?!TEMPORAL_\w+$|VERSITYGW$))/;

const program = new Command("npm run production-like --")
  .description(
    "Runs documents through Temporal's own server on PostgreSQL with three workers for documents and one for " +
      "recognition, kills a worker every ten seconds, restarts the server once, and looks whether every document is " +
      "complete and every job was paid once. Starts and ends everything itself, on loopback, in a temporary folder; the " +
      "server is built with Go at the first run (minutes).",
  )
  .option("--documents <count>", "documents to hand in", wholeNumber, 1000)
  .option("--minutes <count>", "the run must end within this time", wholeNumber, 60)
  .option("--keep", "keep the temporary folder with its logs, and say where it is")
  .addHelpText(
    "after",
    "\nExample:\n  $ npm run production-like -- --documents 200\n\nThe last line is one JSON object.\n\n" +
      "Exit codes:\n  0  nothing was lost and nothing was paid twice\n  1  something was, or the run did not end in time\n",
  );
process.env["AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED"] ??= "true";
const options = program.parse().opts<Options>();
const say = (line: string) => process.stderr.write(`${line}\n`);
const stopping = new AbortController();
// Every document waits for it.
setMaxListeners(0, stopping.signal);
for (const name of ["SIGINT", "SIGTERM"] as const) process.on(name, () => stopping.abort(new Error("interrupted")));
const late = setTimeout(() => stopping.abort(new Error("time is over")), options.minutes * 60_000);

const undo: (() => Promise<unknown>)[] = [];
try {
  const report = await run();
  process.stdout.write(`${JSON.stringify(report)}\n`);
  process.exitCode = report.violations.length === 0 ? 0 : 1;
} catch (error) {
  say((error as Error).stack ?? String(error));
  process.stdout.write(`${JSON.stringify({ documents: options.documents, violations: [(error as Error).message] })}\n`);
  process.exitCode = 1;
} finally {
  clearTimeout(late);
  for (const step of undo.splice(0).reverse()) await step().catch((error: Error) => say(error.message));
}

async function run(): Promise<Report> {
  const folder = await mkdtemp(join(tmpdir(), "docket-production-like-"));
  if (options.keep) say(`folder: ${folder}`);
  else undo.push(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }));
  const users = Object.fromEntries(Object.entries(process.env).filter(([name]) => !foreign.test(name)));
  const port = await serverPort();
  const own = { ...users, TEMPORAL_ADDRESS: `127.0.0.1:${port}` };
  const stack = await startStack({
    dataDirectory: folder,
    environment: own,
    signal: stopping.signal,
    report: ({ step, state, detail }) => state !== "start" && say(`${step}: ${state}${detail ? `, ${detail}` : ""}`),
  });
  undo.push(() => stack.stop());
  const databaseUrl = stack.environment["DATABASE_URL"] ?? "";
  const server = await startTemporalServer({ databaseUrl, folder: join(folder, "temporal-server"), port, say });
  undo.push(() => server.stop());
  const variables: Record<string, string> = { ...stack.environment, TEMPORAL_NAMESPACE: namespace };
  const environment = withVariables(own, variables);
  useVariables(variables);
  await setUp(environment);

  const database = createDatabase({ url: databaseUrl, poolSize: 4 });
  undo.push(() => database.$disconnect());
  const connection = await Connection.connect({ address: server.address });
  undo.push(() => connection.close());
  const temporal = new Client({ connection, namespace });
  const logs = join(folder, "logs");
  await mkdir(logs, { recursive: true });
  const fleet = new WorkerFleet(environment, logs, members);
  undo.push(() => fleet.stop());
  await fleet.start();
  say(`${members.length} workers poll`);

  const bucket = variables["DOCKET_BUCKET"] ?? "";
  const storage = createObjectStorage({ region: "us-east-1", endpoint: variables["AWS_ENDPOINT_URL_S3"] });
  undo.push(async () => storage.close());
  const documents = Array.from({ length: options.documents }, (_, index) => ({
    name: `document-${index + 1}`,
    key: `${project}/${index + 1}.pdf`,
    engine: index % localEvery === localEvery - 1 ? ("local" as const) : ("textract" as const),
  }));
  for (const { name, key } of documents) await storage.put(bucket, key, await onePage(name), "application/pdf");
  say(`${documents.length} documents are in S3`);

  const began = Date.now();
  let open = documents.length;
  let workersKilled = 0;
  let serverRestarts = 0;
  const killing = setInterval(() => {
    if (fleet.kill(workersKilled % members.length)) workersKilled++;
  }, killEveryMilliseconds);
  const restarting = setInterval(() => {
    if (serverRestarts > 0 || open > (documents.length * 2) / 3) return;
    serverRestarts++;
    say("the server is restarted");
    server.restart().catch((error) => stopping.abort(error));
  }, 500);
  const telling = setInterval(() => say(`${open} open, ${workersKilled} workers killed`), 10_000);
  const world = { temporal };
  const ends = await Promise.all(
    documents.map(async ({ name, key, engine }) => {
      const planned = { project, engine };
      const end = await processOne(
        world,
        name,
        planned,
        { at: 0, sameWorkflow: true },
        { bucket, key },
        stopping.signal,
      );
      open--;
      return end;
    }),
  ).finally(() => {
    for (const timer of [killing, restarting, telling]) clearInterval(timer);
  });
  const seconds = (Date.now() - began) / 1000;
  const violations = await violationsOf(database, ends, variables["AWS_ENDPOINT_URL_TEXTRACT"] ?? "");
  return {
    ...violations,
    workersKilled,
    serverRestarts,
    seconds: Math.round(seconds),
    documentsPerSecond: Math.round((documents.length / seconds) * 100) / 100,
  };
}

/** As an operator would: migrations, namespace, search attributes. */
async function setUp(environment: NodeJS.ProcessEnv): Promise<void> {
  const docket = fileURLToPath(new URL("../cli/docket.js", import.meta.url));
  const { code, lines } = await runProgram(process.execPath, [docket, "setup"], {
    environment,
    timeoutMilliseconds: 180_000,
  });
  for (const line of lines) say(line);
  if (code !== 0) throw new Error(`docket setup ended with ${code}`);
}

async function onePage(name: string): Promise<Uint8Array> {
  const pdf = await PDFDocument.create();
  const font = await pdf.embedFont(StandardFonts.Helvetica);
  pdf.addPage([595, 842]).drawText(`The only page of ${name}.`, { x: 50, y: 780, size: 11, font });
  return pdf.save();
}

async function violationsOf(database: Database, ends: readonly Ended[], textract: string) {
  const rows = await database.document.findMany({
    where: { project: { slug: project } },
    include: { pages: { select: { number: true, text: true } }, textractJobs: true },
  });
  const billed = await readBilledJobs({ textract });
  const jobs = rows.flatMap(({ textractJobs }) => textractJobs);
  const violations = compareLedgers(jobs, billed);
  const byId = new Map(rows.map((row) => [row.id, row]));
  for (const { workflowId, documentId, failureType } of ends) {
    const row = byId.get(documentId ?? "");
    const name = new RegExp(`\\b${workflowId}\\.`);
    if (failureType !== null) violations.push(`${workflowId} ended ${failureType}`);
    else if (row === undefined) violations.push(`${workflowId} has no record`);
    else if (row.status !== "complete") violations.push(`${workflowId} is ${row.status}`);
    else if (row.pages.length !== 1 || !name.test(row.pages[0]?.text ?? ""))
      violations.push(`${workflowId}: not its page`);
  }
  if (rows.length !== ends.length)
    violations.push(`${ends.length} documents were handed in, ${rows.length} have a record`);
  const jobsOf = new Map(jobs.map((job) => [job.jobId, job.documentId]));
  const count = new Map<string, number>();
  for (const { jobId } of billed) {
    const id = jobsOf.get(jobId) ?? "unknown";
    count.set(id, (count.get(id) ?? 0) + 1);
  }
  const byTextract = rows.filter(({ engine }) => engine === "textract");
  const otherThanOnce = byTextract.filter(({ id }) => count.get(id) !== 1);
  for (const { id } of otherThanOnce) violations.push(`document ${id} was billed ${count.get(id) ?? 0} times`);
  return {
    documents: ends.length,
    complete: rows.filter(({ status }) => status === "complete").length,
    local: rows.length - byTextract.length,
    billedJobs: billed.length,
    billedOtherThanOnce: otherThanOnce.length,
    violations,
  };
}

function wholeNumber(value: string): number {
  const number = Number(value);
  if (Number.isInteger(number) && number >= 1 && number <= 1_000_000) return number;
  throw new InvalidArgumentError("It is a whole number, 1 or more.");
}
