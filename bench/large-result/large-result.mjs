// A document of thousands of pages from Textract to PostgreSQL: npm run bench:large-result -- [--pages 3000]
// [--blocks 500] [--rounds 2] [--minutes 20] [--json]
//
// The endpoint makes the blocks when they are asked for (bench/support/instant-textract.mjs). In turns: a loop that only
// reads the answers and parses their JSON, and collectPages of a whole document by a worker of its own. Last, a worker
// is killed (SIGKILL) in the middle and another one goes on: the answers that are read a second time are counted.
import { execFile } from "node:child_process";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { PDFDocument } from "pdf-lib";
import { openBench } from "../support/bench-stack.mjs";
import { machine, median, printTable } from "../support/figures.mjs";
import { readOptions } from "../support/options.mjs";
import { peakMemory, usage } from "../support/processes.mjs";

const options = readOptions(import.meta.url, {
  pages: 3000,
  blocks: 500,
  rounds: 2,
  minutes: 20,
  json: false,
});
const pages = Math.min(3000, options.pages);
const { blocks, rounds } = options;
const answersOfResult = Math.ceil((pages * blocks) / 1000);

const bench = await openBench({ pages, blocks });
const { database, bucket, endpoint } = bench;
try {
  await bench.startWorker("documents,textract-submit");
  const readOnly = [];
  const collected = [];
  for (let round = 1; round <= rounds; round++) {
    readOnly.push(await readOnlyLoop());
    collected.push(await collectOnce(`round-${round}`));
    if (!options.json) console.error(`round ${round} is done`);
  }
  const killed = await collectKilled("killed");
  const report = {
    ...{ pages, blocks: pages * blocks, answers: answersOfResult, rounds },
    readOnly: {
      pagesPerSecond: median(readOnly.map(({ seconds }) => pages / seconds)),
      processorSeconds: median(readOnly.map(({ processorSeconds }) => processorSeconds)),
    },
    collectPages: {
      pagesPerSecond: median(collected.map(({ seconds }) => pages / seconds)),
      processorSeconds: median(collected.map(({ processorSeconds }) => processorSeconds)),
      postgresSeconds: median(collected.map(({ postgresSeconds }) => postgresSeconds)),
      s3Seconds: median(collected.map(({ s3Seconds }) => s3Seconds)),
      peakMebibytes: Math.max(...collected.map(({ peakMebibytes }) => peakMebibytes)),
    },
    killed,
    machine: machine(),
  };
  if (options.json) console.log(JSON.stringify(report));
  else print(report);
} finally {
  await bench.close();
}

async function readOnlyLoop() {
  const program = fileURLToPath(new URL("./read-only.mjs", import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, [program, endpoint]);
  return JSON.parse(stdout);
}

async function collectOnce(/** @type {string} */ name) {
  const worker = await bench.startWorker("textract-results");
  const before = await usage({ worker: worker.pid, ...bench.servers });
  const handle = await handIn(name);
  await inTime(handle.result());
  const after = await usage({ worker: worker.pid, ...bench.servers });
  const peakMebibytes = Math.round((await peakMemory(worker.pid)) / 2 ** 20);
  await worker.stop();
  const spent = (/** @type {string} */ name) => (after[name]?.seconds ?? 0) - (before[name]?.seconds ?? 0);
  const seconds = await secondsOfCollecting(handle);
  const servers = { postgresSeconds: spent("PostgreSQL"), s3Seconds: spent("S3") };
  return { seconds, processorSeconds: spent("worker"), ...servers, peakMebibytes };
}

async function collectKilled(/** @type {string} */ name) {
  const worker = await bench.startWorker("textract-results");
  const readBefore = await answersRead();
  const handle = await handIn(name);
  const deadline = performance.now() + options.minutes * 60_000;
  let storedAtKill = 0;
  while (storedAtKill < pages / 2) {
    if (performance.now() > deadline)
      throw new Error(`half of the pages were not stored in ${options.minutes} minutes`);
    await sleep(20);
    storedAtKill = await storedPages(handle.workflowId);
  }
  const { child } = worker;
  child.kill("SIGKILL");
  await once(child, "exit");
  const second = await bench.startWorker("textract-results");
  await inTime(handle.result());
  await second.stop();
  // One more is awaitTextract's look.
  const answers = (await answersRead()) - readBefore - 1;
  return { storedAtKill, stored: await storedPages(handle.workflowId), answersReadAgain: answers - answersOfResult };
}

async function handIn(/** @type {string} */ name) {
  const document = await PDFDocument.create();
  document.setTitle(name);
  for (let page = 0; page < pages; page++) document.addPage([595, 842]);
  const key = `bench/${name}.pdf`;
  await bench.storage.put(bucket, key, await document.save(), "application/pdf");
  return bench.handIn(key);
}

/** @template T */
function inTime(/** @type {Promise<T>} */ work) {
  const late = sleep(options.minutes * 60_000, undefined, { ref: false }).then(() => {
    throw new Error(`not done in ${options.minutes} minutes`);
  });
  return Promise.race([work, late]);
}

async function storedPages(/** @type {string} */ workflowId) {
  const { rows } = await database.query(
    "SELECT count(*)::int AS pages FROM pages p JOIN documents d ON d.id = p.document_id WHERE d.workflow_id = $1",
    [workflowId],
  );
  return Number(rows[0].pages);
}

async function answersRead() {
  const requests = await (await fetch(endpoint)).json();
  return Number(requests.GetDocumentTextDetection ?? 0);
}

/** From the start to the end of the activity, by the server's history. */
async function secondsOfCollecting(/** @type {Awaited<ReturnType<typeof handIn>>} */ handle) {
  const { events = [] } = await handle.fetchHistory();
  const scheduled = events?.find(
    (event) => event.activityTaskScheduledEventAttributes?.activityType?.name === "collectPages",
  );
  const started = events?.find((event) =>
    event.activityTaskStartedEventAttributes?.scheduledEventId?.equals(scheduled?.eventId ?? -1),
  );
  const ended = events?.find((event) =>
    event.activityTaskCompletedEventAttributes?.scheduledEventId?.equals(scheduled?.eventId ?? -1),
  );
  const seconds = (/** @type {typeof ended} */ event) =>
    Number(event?.eventTime?.seconds ?? 0) + Number(event?.eventTime?.nanos ?? 0) / 1e9;
  return seconds(ended) - seconds(started);
}

/** @param {any} report */
function print({ readOnly, collectPages, killed, machine }) {
  printTable(
    ["", "pages/s", "CPU s", "PostgreSQL, CPU s", "S3, CPU s", "peak MiB"],
    [
      ["reads and parses only", readOnly.pagesPerSecond.toFixed(0), readOnly.processorSeconds.toFixed(1), "", "", ""],
      [
        "collectPages, the whole worker of textract-results",
        collectPages.pagesPerSecond.toFixed(0),
        collectPages.processorSeconds.toFixed(1),
        collectPages.postgresSeconds.toFixed(1),
        collectPages.s3Seconds.toFixed(1),
        collectPages.peakMebibytes,
      ],
      ["of the loop", (collectPages.pagesPerSecond / readOnly.pagesPerSecond).toFixed(2), "", "", "", ""],
    ],
  );
  const { storedAtKill, stored, answersReadAgain } = killed;
  console.log(`killed with ${storedAtKill} pages stored: ${stored} in the end, ${answersReadAgain} answers read again`);
  console.log(machine);
}
