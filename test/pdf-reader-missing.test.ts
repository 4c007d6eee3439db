import { cp, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, expect, it } from "vitest";
import { runCommand } from "./support/stack.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "docket-reader-"));
  for (const name of ["dist", "package.json"]) await cp(name, join(folder, name), { recursive: true });
  await symlink(join(process.cwd(), "node_modules"), join(folder, "node_modules"));
  await rm(join(folder, "dist/media/pdf-worker-thread.js"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

it("a PDF is not called corrupt when the reader of PDFs cannot start, as while Docket is being replaced", async () => {
  const program = join(folder, "look.mjs");
  await writeFile(
    program,
    `import { readFile } from "node:fs/promises";
     import { inspectDocument } from ${JSON.stringify(pathToFileURL(join(folder, "dist/media/inspect-document.js")))};
     const bytes = await readFile("samples/service-agreement.pdf");
     const read = async (offset, length) => bytes.subarray(offset, offset + length);
     await inspectDocument({ size: bytes.length, name: "letter.pdf", read }, { timeoutMilliseconds: 30_000 }).catch((error) => console.log(error.type));`,
  );
  expect((await runCommand(process.execPath, [program])).stdout.trim()).toBe("Internal");
});
