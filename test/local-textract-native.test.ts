import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterAll, beforeAll, expect, it } from "vitest";
import { makeBucket, readJob, region, sharedS3, startText, textractClient } from "./support/local-textract.ts";

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
  const { credentials, endpoint } = sharedS3();
  const child = spawn(process.execPath, ["dist/local/textract/main.js"], {
    env: {
      ...process.env,
      DOCKET_LOCAL_TEXTRACT_DATA: join(folder, "data"),
      DOCKET_LOCAL_TEXTRACT_REGION: region,
      DOCKET_OCR_TESSERACT: program,
      DOCKET_OCR_DATA: data,
      DOCKET_OCR_LANGUAGES: "eng+deu",
      AWS_ENDPOINT_URL_S3: endpoint,
      AWS_ACCESS_KEY_ID: credentials.accessKeyId,
      AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
    },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const ended = once(child, "exit");
  try {
    let address = "";
    for await (const line of createInterface({ input: child.stdout })) {
      address = (JSON.parse(line) as { listening: string }).listening;
      break;
    }
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
