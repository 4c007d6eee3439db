import { appendFile, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { openJsonLines } from "#docket/local/textract/json-lines";

let folder: string;
let path: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "docket-local-textract-"));
  path = join(folder, "lines.jsonl");
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function read(): Promise<unknown[]> {
  const lines: unknown[] = [];
  await (await openJsonLines(path, (line) => lines.push(line))).close();
  return lines;
}

it("every line that was acknowledged is there, whoever writes at the same time, and right after another", async () => {
  const lines = await openJsonLines(path, () => {});
  await lines.append({ writer: 8, at: 0 });
  await lines.append({ writer: 8, at: 1 });
  const writers = Array.from({ length: 8 }, async (_, writer) => {
    // Each goes on in the very step in which its last line was acknowledged.
    for (let at = 0; at < 25; at++) await lines.append({ writer, at });
  });
  await Promise.all(writers);
  await lines.close();
  const read0 = (await read()) as { writer: number; at: number }[];
  expect(read0).toHaveLength(202);
  for (let writer = 0; writer < 8; writer++) {
    expect(read0.filter((line) => line.writer === writer).map(({ at }) => at)).toEqual([...Array(25).keys()]);
  }
});

it("a line that a crash cut off is put aside, and what comes next stands on a line of its own", async () => {
  const lines = await openJsonLines(path, () => {});
  await lines.append({ whole: 1 });
  await lines.close();
  await appendFile(path, '{"whole":2,"cut":"of');
  const again = await openJsonLines(path, () => {});
  await again.append({ whole: 3 });
  await again.close();
  expect(await read()).toEqual([{ whole: 1 }, { whole: 3 }]);
  expect(await readFile(`${path}.torn`, "utf8")).toBe('{"whole":2,"cut":"of');
});
