// A batch of many one-page documents: npm run bench:batch -- [--documents 1000] [--window 100] [--minutes 30] [--json]
//
// Starts a stack of its own (in a temporary folder, removed afterwards) and one worker, puts the documents into S3, and
// lets one batch read them; the local Textract endpoint answers at once. Prints documents a second in the first and the
// last tenth, resident memory of every process after each tenth (Linux) and how much it grew after the first, events of
// the longest batch run, and how many documents were submitted between the hand-in of an urgent one in mid-batch and its
// own submission. `aims` says which of docs/performance.md's aims are met; they are for 10,000 documents and a quiet
// machine. --minutes bounds all of it.
import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { cpus, loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { Client, Connection } from "@temporalio/client";
import { PDFDocument } from "pdf-lib";
import pg from "pg";
import { migrate } from "#docket/database/migrate";
import { startStack } from "#docket/local/stack";
import { createObjectStorage } from "#docket/storage/object-storage";

const { values: options } = parseArgs({
  options: {
    documents: { type: "string", default: "1000" },
    window: { type: "string", default: "100" },
    minutes: { type: "string", default: "60" },
    json: { type: "boolean", default: false },
  },
});
const count = Math.min(1_000_000, Number(options.documents));
const window = Number(options.window);
const prefix = "bench/";
/** Uploads at once, while the documents are made. */
const putsAtOnce = 8;
const deadline = performance.now() + Number(options.minutes) * 60_000;

const folder = await mkdtemp(join(tmpdir(), "docket-bench-batch-"));
const stack = await startStack({ dataDirectory: folder, report: () => {} });
Object.assign(process.env, stack.environment);
const { DATABASE_URL = "", DOCKET_BUCKET: bucket = "", TEMPORAL_ADDRESS: address = "" } = process.env;
const endpoint = process.env["AWS_ENDPOINT_URL_S3"];
/** @type {import("node:child_process").ChildProcess | null} */
let worker = null;
const client = new Client({ connection: await Connection.connect({ address }) });
const storage = createObjectStorage({ region: "us-east-1", endpoint });
const database = new pg.Client({ connectionString: DATABASE_URL });
try {
  await migrate(DATABASE_URL);
  await database.connect();
  await putAll();
  await put("urgent/now.pdf");
  worker = await startWorker();

  const batchId = randomUUID();
  const began = performance.now();
  const input = { batchId, source: { bucket, prefix }, project: "bench", window };
  const start = { taskQueue: "documents", workflowId: `batch/${batchId}`, args: [input] };
  const batch = await client.workflow.start("processBatch", start);
  const done = batch.result();
  done.catch(() => {});
  const tenths = [];
  let urgent = null;
  for (let tenth = 1; tenth <= 10; tenth++) {
    await ended((count * tenth) / 10);
    tenths.push({ seconds: (performance.now() - began) / 1000, memory: await memory() });
    if (tenth === 5) urgent = await urgentDocument();
  }
  const result = await done;
  const per = count / 10;
  const [first, second, ninth, last] = [0, 1, 8, 9].map((index) => tenths[index]?.seconds ?? 0);
  const rates = { firstTenth: per / (first ?? 1), lastTenth: per / ((last ?? 1) - (ninth ?? 0)) };
  const history = await events(batch.workflowId);
  const growth = growthOf(tenths.map(({ memory }) => memory));
  const report = {
    ...{ documents: count, window, result },
    documentsPerSecond: count / (last ?? 1),
    ...rates,
    secondTenth: per / ((second ?? 1) - (first ?? 0)),
    ...history,
    submittedBeforeUrgent: urgent,
    memoryGrowthMebibytes: growth,
    aims: {
      lastTenthWithinTenPercent: rates.lastTenth >= 0.9 * rates.firstTenth,
      longestRunBelow2000Events: history.longestRun < 2000,
      urgentAmongTheNextTen: urgent !== null && urgent < 10,
      // Of 10,000 documents: what each of them left behind would be more.
      memoryGrowthBelowTenPercent: Object.values(growth).every(({ from, by }) => by <= Math.max(20, from / 10)),
    },
    memoryMebibytes: tenths.map(({ memory }) => memory),
    machine: `${cpus().length} x ${cpus()[0]?.model}, load ${loadavg()[0]?.toFixed(1)}, Node ${process.version}`,
  };
  console.log(options.json ? JSON.stringify(report) : report);
} finally {
  await database.end().catch(() => {});
  await client.connection.close();
  storage.close();
  worker?.kill("SIGTERM");
  if (worker?.exitCode === null) await once(worker, "exit");
  await stack.stop();
  await rm(folder, { recursive: true, force: true });
}

async function putAll() {
  let next = 0;
  const some = async () => {
    while (next < count) await put(`${prefix}${String(next++).padStart(7, "0")}.pdf`);
  };
  await Promise.all(Array.from({ length: putsAtOnce }, some));
}

/** What each process had after the first tenth, and how much more it had at most afterwards, MiB. */
function growthOf(/** @type {Record<string, number>[]} */ [first = {}, ...later]) {
  /** @type {Record<string, { from: number, by: number }>} */
  const growth = {};
  for (const [name, from] of Object.entries(first)) {
    growth[name] = { from, by: Math.max(...later.map((memory) => (memory[name] ?? 0) - from)) };
  }
  return growth;
}

async function put(/** @type {string} */ key) {
  const document = await PDFDocument.create();
  document.addPage([595, 842]).drawText(`The only page of the document ${key}.`, { x: 50, y: 780, size: 11 });
  await storage.put(bucket, key, await document.save(), "application/pdf");
}

async function startWorker() {
  const queues = "documents,textract-submit,textract-results";
  const environment = { ...process.env, DOCKET_LOG_LEVEL: "info" };
  const child = spawn(process.execPath, ["dist/cli/docket.js", "worker", "--queues", queues], {
    env: environment,
    stdio: ["ignore", "pipe", "ignore"],
  });
  for await (const chunk of child.stdout) if (/worker is polling/.test(String(chunk))) break;
  child.stdout.resume();
  return child;
}

async function ended(/** @type {number} */ wanted) {
  for (;;) {
    const { rows } = await database.query("SELECT complete + failed + incomplete AS ended FROM batches");
    if (Number(rows[0]?.ended ?? 0) >= Math.floor(wanted)) return;
    if (performance.now() > deadline)
      throw new Error(`only ${rows[0]?.ended} documents after ${options.minutes} minutes`);
    await sleep(250);
  }
}

/** Hands one document in behind the batch, first in priority. */
async function urgentDocument() {
  const handedIn = await database.query("SELECT now() AS at");
  const args = [{ document: { bucket, key: "urgent/now.pdf" }, project: "urgent", priority: 1 }];
  const start = { taskQueue: "documents", workflowId: "urgent", args, priority: { priorityKey: 1 } };
  const { documentId } = await client.workflow.execute("processDocument", start);
  const { rows } = await database.query(
    `SELECT count(*) AS before FROM textract_jobs j,
       (SELECT submitted_at AS at FROM textract_jobs WHERE document_id = $1::uuid) AS urgent
     WHERE j.submitted_at >= $2 AND j.submitted_at < urgent.at`,
    [documentId, handedIn.rows[0].at],
  );
  return Number(rows[0].before);
}

async function events(/** @type {string} */ workflowId) {
  const lengths = [];
  // The list lags behind a little.
  await sleep(2000);
  for await (const run of client.workflow.list({ query: `WorkflowId = "${workflowId}"` })) {
    lengths.push(run.historyLength ?? 0);
  }
  const sum = lengths.reduce((total, length) => total + length, 0);
  return { runs: lengths.length, longestRun: Math.max(...lengths), eventsPerDocument: sum / count };
}

/** Resident memory of everything that belongs to this stack, MiB. */
async function memory() {
  /** @type {Record<string, number>} */
  const found = {};
  for (const pid of (await readdir("/proc").catch(() => [])).filter((name) => /^\d+$/.test(name))) {
    try {
      const command = (await readFile(`/proc/${pid}/cmdline`, "utf8")).split("\0").join(" ");
      const own = Number(pid) === worker?.pid;
      const name = own ? "worker" : command.includes(folder) ? nameOf(command) : null;
      if (name === null) continue;
      const [, kibibytes = "0"] = /VmRSS:\s*(\d+)/.exec(await readFile(`/proc/${pid}/status`, "utf8")) ?? [];
      found[name] = Math.round((found[name] ?? 0) + Number(kibibytes) / 1024);
    } catch {
      // It ended meanwhile.
    }
  }
  return found;
}

function nameOf(/** @type {string} */ command) {
  const names = ["postgres", "temporal", "versitygw", "textract"];
  return names.find((name) => command.includes(name)) ?? null;
}
