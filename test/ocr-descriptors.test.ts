import { execFileSync } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { addScan, pictureOfProse, writePdf } from "./ocr-documents.ts";

let folder: string;
let scan: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "docket-descriptors-"));
  scan = await writePdf(folder, "scan.pdf", async (pdf) => void (await addScan(pdf, await pictureOfProse(100))));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Opens all files that it may, then recognises a document again and again, with one descriptor more each time, and with all of them in the end. */
const hungry = `
  import { closeSync, openSync } from "node:fs";
  import { loadOcrSettings } from "#docket/config";
  import { recognizeDocument } from "#docket/ocr/recognize-document";
  const read = () =>
    recognizeDocument({ file: process.argv[1], limits: loadOcrSettings({}), onPage: () => {} }).then(
      ({ failures }) => (failures.length === 0 ? "read" : failures[0].failure.message),
      ({ type, message }) => type + ": " + message,
    );
  const told = [await read()];
  const open = [];
  for (;;) {
    try {
      open.push(openSync("/dev/null"));
    } catch {
      break;
    }
  }
  for (let i = 0; i < 12; i++) {
    closeSync(open.pop());
    told.push(await read());
  }
  for (const file of open) closeSync(file);
  told.push(await read());
  console.log(JSON.stringify(told));
`;

it("a recogniser for which no descriptor is free is a failure of its document, and not the process's end", () => {
  const command = ['ulimit -n 400; exec "$@"', "sh", process.execPath, "--input-type=module", "-e", hungry, scan];
  const told = JSON.parse(execFileSync("sh", ["-c", ...command], { encoding: "utf8" })) as string[];
  expect(told[0]).toBe("read");
  expect(told.at(-1)).toBe("read");
  expect(told.join("\n")).toMatch(/cannot be started: .*EMFILE/);
  expect(told.join("\n")).not.toContain("undefined");
});
