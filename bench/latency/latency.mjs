// Time from hand-in to text: npm run bench:latency -- [--documents 10] [--backlog 1000] [--minutes 15] [--json]
//
// One document after another on a calm stack whose Textract answers at once: the first after the worker's start (cold),
// then the others (warm, median). Last, one of priority 1 behind a backlog of others that were handed in before it.
import { inParallel, openBench } from "../support/bench-stack.mjs";
import { machine, median, printTable } from "../support/figures.mjs";
import { readOptions } from "../support/options.mjs";

const options = readOptions(import.meta.url, {
  documents: 10,
  backlog: 1000,
  minutes: 15,
  json: false,
});
const backlog = Math.min(10_000, options.backlog);

const bench = await openBench();
const tooLong = setTimeout(() => void bench.close().finally(() => process.exit(1)), options.minutes * 60_000);
try {
  await bench.startWorker();
  const times = [];
  for (let index = 0; index <= options.documents; index++) times.push(await one(`warm/${index}.pdf`, 3));
  const [cold = 0, ...warm] = times;
  const keys = Array.from({ length: backlog }, (_, index) => `backlog/${index}.pdf`);
  await inParallel(keys, 20, bench.putDocument);
  await inParallel(keys, 20, (key) => bench.handIn(key));
  const endedBefore = await bench.complete();
  const urgent = await one("urgent.pdf", 1);
  const overtakenBy = (await bench.complete()) - endedBefore - 1;
  const report = {
    cold,
    warm: median(warm),
    backlog,
    waiting: backlog + times.length - endedBefore,
    urgent,
    overtakenBy,
  };
  if (options.json) console.log(JSON.stringify({ ...report, machine: machine() }));
  else {
    const seconds = (/** @type {number} */ milliseconds) => `${(milliseconds / 1000).toFixed(2)} s`;
    printTable(
      ["one document", "hand-in to text"],
      [
        ["first after the worker's start", seconds(cold)],
        [`warm, median of ${warm.length}`, seconds(report.warm)],
        [`priority 1 behind ${report.waiting} others (${overtakenBy} of them ended meanwhile)`, seconds(urgent)],
      ],
    );
    console.log(machine());
  }
} finally {
  clearTimeout(tooLong);
  await bench.close();
}

/** Milliseconds from hand-in to the result. */
async function one(/** @type {string} */ key, /** @type {number} */ priority) {
  await bench.putDocument(key);
  const began = performance.now();
  const handle = await bench.handIn(key, priority);
  await handle.result();
  return performance.now() - began;
}
