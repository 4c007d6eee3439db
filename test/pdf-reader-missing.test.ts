import { cp, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, expect, it } from "vitest";
import { runCommand } from "./support/stack.ts";

let folder: string;
const thread = () => join(folder, "dist/media/pdf-worker-thread.js");
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "docket-reader-"));
  for (const name of ["dist", "package.json"]) await cp(name, join(folder, name), { recursive: true });
  await symlink(join(process.cwd(), "node_modules"), join(folder, "node_modules"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Looks at a sound PDF; the failure's type, message and remedy. */
async function failureOfLook() {
  const program = join(folder, "look.mjs");
  await writeFile(
    program,
    `import { readFile } from "node:fs/promises";
     import { inspectDocument } from ${JSON.stringify(pathToFileURL(join(folder, "dist/media/inspect-document.js")))};
     const bytes = await readFile("samples/service-agreement.pdf");
     const read = async (offset, length) => bytes.subarray(offset, offset + length);
     await inspectDocument({ size: bytes.length, read }, { name: "letter.pdf", timeoutMilliseconds: 30_000 }).catch((error) => console.log(JSON.stringify(error.toFailure())));`,
  );
  return JSON.parse((await runCommand(process.execPath, [program])).stdout);
}

it("a PDF is not called corrupt when the reader of PDFs cannot start, as while Docket is being replaced", async () => {
  await rm(thread());
  expect(await failureOfLook()).toMatchObject({ type: "Internal" });
});

it("a PDF is not called corrupt when its reader has no more memory", async () => {
  await writeFile(
    thread(),
    `import { parentPort } from "node:worker_threads";
     parentPort.on("message", () => {
       parentPort.postMessage({ kind: "read", offset: 0, length: 8 });
       // Objects: from Node 22 on a thread that fills arrays in a bare loop is not ended at its limit.
       for (let all = null; ; ) all = { all };
     });`,
  );
  expect(await failureOfLook()).toEqual({
    type: "OutOfMemory",
    message: expect.stringMatching(/^letter\.pdf: .+memory/),
    remedy: expect.stringContaining("Submit it again"),
  });
});
