import { once } from "node:events";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { makeBucket, readJob, spawnEndpoint, startText, textractClient } from "./support/local-textract.ts";

let folder: string;
let bucket: Awaited<ReturnType<typeof makeBucket>>;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "docket-native-"));
  bucket = await makeBucket();
});
afterAll(async () => {
  bucket.s3.destroy();
  await rm(folder, { recursive: true, force: true });
});

it("the endpoint reads with the native program, the data and the languages that are configured", async () => {
  const said = join(folder, "said");
  const program = join(folder, "tesseract");
  // It writes down how it is called, and then reads nothing.
  await writeFile(program, `#!/bin/sh\necho "$@" >> ${said}\nexit 1\n`, { mode: 0o755 });
  const data = join(folder, "tessdata");
  await mkdir(data);
  for (const language of ["eng", "deu"]) await writeFile(join(data, `${language}.traineddata`), "data");
  const { child, address } = await spawnEndpoint(join(folder, "data"), {
    DOCKET_OCR_TESSERACT: program,
    DOCKET_OCR_DATA: data,
    DOCKET_OCR_LANGUAGES: "eng+deu",
  });
  const ended = once(child, "exit");
  try {
    const client = textractClient(address);
    const location = await bucket.put("invoice.jpg", await readFile("samples/invoice.jpg"));
    const job = await readJob(client, await startText(client, location));
    client.destroy();
    expect(job.ended.JobStatus).toBe("FAILED");
    expect(await readFile(said, "utf8")).toMatch(/--tessdata-dir \S+ -l eng\+deu /);
  } finally {
    child.kill("SIGTERM");
    await ended;
  }
});
