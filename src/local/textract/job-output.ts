import { jobAnswer } from "./job-answer.ts";
import type { PageResults } from "./page-results.ts";
import type { SourceObjects } from "./source-objects.ts";
import { TextractError } from "./textract-error.ts";
import type { JobEnd, TextractJob } from "./textract-job.ts";

/** Prefix where the caller names none (API reference, OutputConfig). */
export const defaultOutputPrefix = "textract_output";

const blocksPerObject = 1000;

/**
 * Shows, before a job is accepted, that its result can be written: by the empty object that Textract leaves there.
 * @throws {TextractError} `InvalidS3ObjectException`
 */
export async function checkOutput(objects: SourceObjects, job: OutputOf): Promise<void> {
  if (job.output === undefined) return;
  try {
    await objects.put(job.output.bucket, `${job.output.prefix}/${job.jobId}/.s3_access_check`, "");
  } catch (error) {
    const message = "Unable to write to the output S3 bucket. Check bucket, region and/or access permissions.";
    throw new TextractError("InvalidS3ObjectException", message, { cause: error });
  }
}

type OutputOf = Pick<TextractJob, "jobId" | "output">;

/** Writes a job's result to `<prefix>/<JobId>/1`, `2`, ... as answers of the Get operation. */
export async function writeOutput(
  objects: SourceObjects,
  results: PageResults,
  job: TextractJob,
  end: JobEnd,
): Promise<void> {
  if (job.output === undefined) return;
  const ended = { ...job, end };
  const folder = `${job.output.prefix}/${job.jobId}`;
  for (let part = 1, offset = 0, total = 1; offset < total; part++, offset += blocksPerObject) {
    const read = await results.readBlocks(job, offset, blocksPerObject);
    total = read.total;
    await objects.put(job.output.bucket, `${folder}/${part}`, JSON.stringify(jobAnswer(ended, read)));
  }
}
