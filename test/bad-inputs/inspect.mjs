// Looks at documents as the prerequisites do, and says what came of each: one JSON line a document, and a last one with
// the most memory that this process ever held. node test/bad-inputs/inspect.mjs FILE ...
import { readFileSync } from "node:fs";
import { open } from "node:fs/promises";
import { basename } from "node:path";
import pLimit from "p-limit";
import { engineProblems } from "#docket/activities/engine-limits";
import { loadOcrSettings } from "#docket/config";
import { inspectDocument } from "#docket/media/inspect-document";

const timeoutMilliseconds = 60_000;
const limits = loadOcrSettings({});

async function inspect(path) {
  const name = basename(path);
  const file = await open(path, "r");
  let [requests, bytes] = [0, 0];
  try {
    const { size } = await file.stat();
    const source = {
      size,
      async read(offset, length) {
        requests += 1;
        bytes += length;
        return (await file.read(new Uint8Array(length), 0, length, offset)).buffer;
      },
    };
    const facts = await inspectDocument(source, { timeoutMilliseconds, name });
    const types = (engine) => engineProblems(name, facts, engine, limits).map(({ type }) => type);
    const { pages, encrypted, ownerRestricted } = facts;
    const found = { pages, encrypted, ownerRestricted, textract: types("textract"), local: types("local") };
    return { name, ...found, requests, bytes, size };
  } catch (error) {
    return { name, textract: [error.type ?? "?"], local: [error.type ?? "?"], message: error.message, requests, bytes };
  } finally {
    await file.close();
  }
}

// As many at the same time as a worker looks at.
const turn = pLimit(20);
const found = process.argv.slice(2).map((path) => turn(() => inspect(path)));
for (const one of found) console.log(JSON.stringify(await one));
const [, kibibytes] = /VmHWM:\s*(\d+)/.exec(readFileSync("/proc/self/status", "latin1")) ?? [];
console.log(JSON.stringify({ peakMebibytes: Math.round(Number(kibibytes) / 1024) }));
