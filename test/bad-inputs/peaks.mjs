// Reads every bad input with `docket ocr` and prints how much memory the recogniser's child process held at most:
// node test/bad-inputs/peaks.mjs [WORD ...] [--above MEBIBYTES] [--json]
// WORD: only documents whose name contains one. --json: a line a document, as it is read. Linux only (VmHWM). Ends with
// 2 when a child passed the goal of 200 MiB.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { badInputs, writeBadInput } from "./catalogue.mjs";

const goalMebibytes = 200;
const everyMilliseconds = 10;
const longestMilliseconds = 180_000;
const { values, positionals } = parseArgs({
  options: { above: { type: "string", default: "0" }, json: { type: "boolean", default: false } },
  allowPositionals: true,
});

const command = new URL("../../dist/cli/docket.js", import.meta.url).pathname;
const chosen = badInputs.filter(
  ({ name }) => positionals.length === 0 || positionals.some((word) => name.includes(word)),
);
const folder = mkdtempSync(join(tmpdir(), "docket-bad-inputs-"));
const results = [];
try {
  for (const [i, input] of chosen.entries()) {
    const path = await writeBadInput(input, folder);
    const result = { name: input.name, ...(await read(path)) };
    rmSync(path);
    results.push(result);
    if (values.json) console.log(JSON.stringify(result));
    if (process.stderr.isTTY) process.stderr.write(`\r${i + 1} of ${chosen.length}`);
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
if (!values.json) print(results.sort((a, b) => b.childMebibytes - a.childMebibytes));
process.exitCode = results.some(({ childMebibytes }) => childMebibytes > goalMebibytes) ? 2 : 0;

/** One run of the command: how it ended, and what it and its child held at most. */
async function read(path) {
  const start = performance.now();
  const child = spawn(process.execPath, [command, "ocr", path, "--json"], { stdio: ["ignore", "ignore", "pipe"] });
  let errors = "";
  child.stderr.setEncoding("utf8").on("data", (text) => {
    errors += text;
  });
  const peaks = { command: 0, child: 0 };
  const watch = setInterval(() => look(child.pid, peaks), everyMilliseconds);
  const limit = setTimeout(() => child.kill("SIGKILL"), longestMilliseconds);
  const [code] = await once(child, "close");
  clearInterval(watch);
  clearTimeout(limit);
  const types = [...errors.matchAll(/\b([A-Z][a-z]+(?:[A-Z][a-z]+)*):|"type":"(\w+)"/g)].map(([, a, b]) => a ?? b);
  return {
    childMebibytes: Math.round(peaks.child / 1024),
    commandMebibytes: Math.round(peaks.command / 1024),
    seconds: Number(((performance.now() - start) / 1000).toFixed(1)),
    exitCode: code,
    outcome: code === 0 ? "complete" : (types[0] ?? errors.trim().split("\n")[0] ?? "?"),
  };
}

function look(pid, peaks) {
  peaks.command = Math.max(peaks.command, peakKibibytes(pid));
  try {
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, "latin1").trim();
    for (const child of children.split(" ").filter(Boolean)) {
      peaks.child = Math.max(peaks.child, peakKibibytes(child));
    }
  } catch {
    // It has just ended.
  }
}

function peakKibibytes(pid) {
  try {
    return Number(/VmHWM:\s*(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "latin1"))?.[1] ?? 0);
  } catch {
    return 0;
  }
}

function print(rows) {
  const shown = rows.filter(({ childMebibytes }) => childMebibytes >= Number(values.above));
  console.log("child MiB  command MiB  seconds  ended as              document");
  for (const row of shown) {
    const cells = [String(row.childMebibytes).padStart(9), String(row.commandMebibytes).padStart(11)];
    console.log(
      `${cells.join("  ")}  ${String(row.seconds).padStart(7)}  ${row.outcome.padEnd(20)}  ${JSON.stringify(row.name)}`,
    );
  }
  const over = rows.filter(({ childMebibytes }) => childMebibytes > goalMebibytes).length;
  console.log(`${rows.length} documents; ${over} of them above ${goalMebibytes} MiB`);
}
