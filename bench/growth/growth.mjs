// Whether a document costs more when there are many: npm run bench:growth -- [--sizes 100,1000] [--minutes 60] [--json]
//
// Batches of growing size, one after another, on the same servers, which keep all that came before. Allow 10,000 with
// --sizes 100,1000,10000: that takes its time.
import { setTimeout as sleep } from "node:timers/promises";
import { inParallel, openBench } from "../support/bench-stack.mjs";
import { machine, printTable } from "../support/figures.mjs";
import { readOptions } from "../support/options.mjs";
import { usage } from "../support/processes.mjs";

const options = readOptions(import.meta.url, {
  sizes: "100,1000",
  minutes: 60,
  json: false,
});
const sizes = options.sizes.split(",").map((size) => Math.min(10_000, Number(size)));
if (!sizes.every((size) => size > 0)) throw new Error("--sizes takes numbers, joined by commas");

const bench = await openBench();
try {
  const worker = await bench.startWorker();
  const roots = { worker: worker.pid, ...bench.servers };
  await measure("warm-up", 20);
  const steps = [];
  for (const size of sizes) steps.push(await measure(`of-${size}`, size));
  if (options.json) console.log(JSON.stringify({ steps, machine: machine() }));
  else {
    const parts = Object.keys(roots);
    printTable(
      ["documents", "documents/s", ...parts.map((part) => `${part}, CPU ms`), "all", "worker MiB", "Temporal MiB"],
      steps.map(({ size, perSecond, milliseconds, mebibytes }) => [
        size,
        perSecond.toFixed(1),
        ...parts.map((part) => milliseconds[part]?.toFixed(1) ?? ""),
        Object.values(milliseconds)
          .reduce((sum, value) => sum + value, 0)
          .toFixed(1),
        mebibytes["worker"] ?? "",
        mebibytes["Temporal"] ?? "",
      ]),
    );
    console.log(machine());
  }

  async function measure(/** @type {string} */ name, /** @type {number} */ size) {
    const keys = Array.from({ length: size }, (_, index) => `${name}/${index}.pdf`);
    await inParallel(keys, 20, bench.putDocument);
    const wanted = (await bench.complete()) + size;
    const before = await usage(roots);
    const began = performance.now();
    const deadline = began + options.minutes * 60_000;
    await inParallel(keys, 20, (key) => bench.handIn(key));
    while ((await bench.complete()) < wanted) {
      if (performance.now() > deadline) throw new Error(`${size} documents did not end in ${options.minutes} minutes`);
      await sleep(200);
    }
    const seconds = (performance.now() - began) / 1000;
    const after = await usage(roots);
    /** @type {Record<string, number>} */
    const milliseconds = {};
    /** @type {Record<string, number>} */
    const mebibytes = {};
    for (const part of Object.keys(roots)) {
      milliseconds[part] = (((after[part]?.seconds ?? 0) - (before[part]?.seconds ?? 0)) * 1000) / size;
      mebibytes[part] = Math.round((after[part]?.memoryBytes ?? 0) / 2 ** 20);
    }
    return { size, perSecond: size / seconds, milliseconds, mebibytes };
  }
} finally {
  await bench.close();
}
