// How well, how fast and in how much memory pages are recognised on this machine, side by side with other programs:
// npm run bench:ocr -- [--json] [--texts 1-4] [--dpi 200|300 ...] [--long PAGES] [--only PART ...] [--python PATH]
// Linux only. Each command is ended after its time limit. Processor time is told, because other work on the machine
// makes the clock useless; even so, compare lines of one run only.
import { mkdtempSync, rmSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { compareReaders } from "./compare.mjs";
import { makeBornDigital, repeatPages } from "./documents.mjs";
import { characterErrors, makeGroundTruth } from "./ground-truth.mjs";
import { measure } from "./measure.mjs";
import { findPeers, nativeAlone } from "./peers.mjs";
import { printTables } from "./tables.mjs";

const parts = ["accuracy", "memory", "text-layer"];
const { values } = parseArgs({
  options: {
    json: { type: "boolean", default: false },
    texts: { type: "string", default: "1" },
    dpi: { type: "string", multiple: true, default: ["300", "200"] },
    long: { type: "string", default: "0" },
    only: { type: "string", multiple: true, default: parts },
    python: { type: "string", default: "python3" },
    help: { type: "boolean", default: false },
  },
});
if (values.help) {
  console.log(`Usage: npm run bench:ocr -- [--json] [--texts 1-4] [--dpi DPI ...] [--long PAGES] [--only PART ...] [--python PATH]

  --texts   pages of each condition, 1 to 4 (default 1)
  --dpi     of the scans (default: 300 and 200)
  --long    pages of a file in which the 60-page scan is repeated (default 0: left out; 1000 takes half an hour)
  --only    ${parts.join(", ")} (default: all)
  --python  of a virtual environment with pytesseract, pdf2image and ocrmypdf, where they are to be compared

Example: npm run bench:ocr -- --texts 2 --python /tmp/venv/bin/python`);
  process.exit(0);
}
const texts = Math.min(4, Math.max(1, Number(values.texts) || 1));
const scan = "samples/production-60-pages.pdf";
const secondsPerPage = 120;

const folder = mkdtempSync(join(tmpdir(), "docket-bench-ocr-"));
const report = {
  machine: `${cpus()[0]?.model ?? "?"}, ${cpus().length} cores, Node ${process.versions.node}`,
  accuracy: [],
  comparison: [],
  memory: [],
  textLayer: [],
};
try {
  const { readers, rasteriser, tesseract } = await findPeers(folder, values.python);
  if (tesseract === undefined) note("No tesseract on the PATH: nothing to compare with.");
  if (values.only.includes("accuracy")) await accuracy(readers);
  if (values.only.includes("memory")) await memory(readers, rasteriser);
  if (values.only.includes("text-layer")) await textLayer(readers);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
if (values.json) console.log(JSON.stringify(report, null, 2));
else printTables(report);

/** Character errors by condition, and processor time a page, of every reader on the same pages. */
async function accuracy(readers) {
  for (const { dpi, file, pages } of await makeGroundTruth(folder, { texts, resolutions: values.dpi.map(Number) })) {
    const onPages = new Map();
    for (const { name, prepare, command, env } of readers) {
      note(`${name}, ${pages.length} pages at ${dpi} DPI`);
      const input = await prepare(file);
      const run = await measure(command(input, dpi), { seconds: pages.length * secondsPerPage, env });
      if (run.exitCode !== 0) note(`${name} ended with ${run.exitCode}: ${run.error}`);
      const read = run.stdout.split("\f");
      const counted = pages.map(({ condition, text }, i) => ({ condition, ...characterErrors(text, read[i] ?? "") }));
      onPages.set(name, counted);
      const errors = {};
      for (const page of counted) {
        errors[page.condition] ??= [];
        errors[page.condition].push(page.errors / page.characters);
      }
      for (const [condition, rates] of Object.entries(errors)) errors[condition] = mean(rates);
      report.accuracy.push({
        reader: name,
        dpi,
        pages: pages.length,
        errors,
        meanError: mean(Object.values(errors)),
        cpuSecondsAPage: run.cpuSeconds / pages.length,
        peakMebibytes: run.peakMebibytes,
      });
      note(JSON.stringify(report.accuracy.at(-1)));
    }
    compareWithNative(dpi, onPages);
  }
}

/** Whether Docket reads worse than the native program by itself, beyond chance. */
function compareWithNative(dpi, onPages) {
  const native = onPages.get(nativeAlone);
  if (native === undefined) return;
  for (const [reader, counted] of onPages) {
    if (!reader.startsWith("docket")) continue;
    const pages = counted.map((page, i) => ({ ...page, others: native[i].errors }));
    for (const row of compareReaders(pages)) report.comparison.push({ reader, dpi, ...row });
  }
}

/** Memory of the whole tree on long scans: the command line's own process is about 65 MiB of it. */
async function memory(readers, rasteriser) {
  const long = Number(values.long) > 0 ? [await repeatPages(scan, folder, Number(values.long))] : [];
  for (const { file, pages } of [{ file: scan, pages: 60 }, ...long]) {
    const docket = readers.filter(({ name }) => name.startsWith("docket"));
    for (const { name, command, env } of docket) {
      note(`${name}, ${pages} pages`);
      const run = await measure(command(file, 200), { seconds: pages * secondsPerPage, env });
      report.memory.push(row(name, pages, run));
      note(JSON.stringify(report.memory.at(-1)));
    }
  }
  if (rasteriser === undefined) return;
  note("pdf2image, 60 pages");
  const run = await measure(rasteriser(scan, 200), { seconds: 600 });
  if (run.exitCode === 0) report.memory.push(row("pdf2image alone, 200 DPI", 60, run));
}

async function textLayer([docket]) {
  const pages = 500;
  const file = await makeBornDigital(folder, pages);
  note(`docket, ${pages} pages of text layer`);
  report.textLayer.push(row("docket", pages, await measure(docket.command(file), { seconds: 120, env: docket.env })));
  const run = await measure(["pdftotext", file, "-"], { seconds: 120 });
  if (run.exitCode === 0) report.textLayer.push(row("pdftotext", pages, run));
}

function row(reader, pages, { seconds, cpuSeconds, peakMebibytes, exitCode, stdout }) {
  return { reader, pages, exitCode, seconds, cpuSeconds, peakMebibytes, characters: stdout.length };
}

function mean(numbers) {
  return numbers.reduce((sum, number) => sum + number, 0) / Math.max(1, numbers.length);
}

function note(text) {
  console.error(text);
}
