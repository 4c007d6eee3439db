// How long `docket up` takes until it says that it is up: npm run bench:start -- [--rounds 3] [--json]
//
// The first start makes the databases in a new folder; the others (warm) find them. What the servers' programs need to be
// on this machine (downloads, `go install`) is not measured: run `docket up` once before.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { machine, median, printTable } from "../support/figures.mjs";
import { readOptions } from "../support/options.mjs";
import { startProcess } from "../support/processes.mjs";

const options = readOptions(import.meta.url, { rounds: 3, json: false });
const folder = await mkdtemp(join(tmpdir(), "docket-bench-start-"));
const environment = { ...process.env };
for (const name of ["DATABASE_URL", "TEMPORAL_ADDRESS", "DOCKET_BUCKET"]) delete environment[name];
try {
  const first = await start();
  const warm = [];
  for (let round = 0; round < options.rounds; round++) warm.push(await start());
  if (options.json) console.log(JSON.stringify({ first, warm: median(warm), all: warm, machine: machine() }));
  else {
    const rows = [
      ["new folder", first.toFixed(1)],
      [`warm, median of ${warm.length}`, median(warm).toFixed(1)],
    ];
    printTable(["docket up", "seconds to ready"], rows);
    console.log(machine());
  }
} finally {
  await rm(folder, { recursive: true, force: true });
}

async function start() {
  const began = performance.now();
  const args = ["dist/cli/docket.js", "up", "--data-directory", folder];
  const up = await startProcess(process.execPath, args, /Up\./, environment);
  const seconds = (performance.now() - began) / 1000;
  await up.stop();
  return seconds;
}
