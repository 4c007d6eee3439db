import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { smallPdf } from "./support/small-pdf.ts";
import { docket } from "./support/stack.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "docket-texts-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

it("a text that run cannot write keeps nothing else back, and the longest names have texts", async () => {
  const longest = `${"é".repeat(125)}.pdf`;
  const names = ["a.pdf", "blocked.pdf", longest];
  const files = names.map((name) => join(folder, name));
  for (const file of files) await writeFile(file, await smallPdf(file));
  const data = join(folder, "data");
  const texts = join(data, "text");
  // Where the text is to be there is a folder, which no user and no right can write a file over.
  await mkdir(join(texts, "blocked.pdf.txt"), { recursive: true });

  const args = ["run", "--json", "--project", "unwritten-texts", "--data-directory", data, ...files];
  const { code, stdout, stderr } = await docket(args);
  const results = stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as { file: string; status: string });
  expect(new Map(results.map(({ file, status }) => [file, status]))).toEqual(
    new Map(files.map((file) => [file, "complete"])),
  );
  expect(code).toBe(1);
  expect(stderr).toMatch(/blocked\.pdf: its text was not written: EISDIR.*text \w{8}` prints it$/m);
  expect(stderr).not.toContain("defect");
  expect((await readdir(texts)).toSorted()).toEqual(["a.pdf.txt", "blocked.pdf.txt", `${"é".repeat(100)}.txt`]);
  expect(await readFile(join(texts, "a.pdf.txt"), "utf8")).toContain("a.pdf");
});
