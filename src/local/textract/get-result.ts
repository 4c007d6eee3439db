import { jobAnswer } from "./job-answer.ts";
import type { JobStore } from "./job-store.ts";
import type { NextTokens } from "./next-token.ts";
import type { PageResults } from "./page-results.ts";
import type { GetRequest, StartOperation } from "./request-shapes.ts";
import { textractError } from "./textract-error.ts";

const maxResults = 1000;

/** GetDocumentTextDetection and GetDocumentAnalysis: the state of a job, and some of its blocks once it has ended. */
export function createGetResult(ports: { jobs: JobStore; results: PageResults; tokens: NextTokens }) {
  return async function getResult(startedBy: StartOperation, request: GetRequest) {
    const job = ports.jobs.get(request.JobId);
    // A job of the other kind of operation is unknown here.
    if (job === undefined || job.operation !== startedBy) throw textractError("InvalidJobIdException");
    const { NextToken: token } = request;
    const offset = token === undefined ? 0 : ports.tokens.read(job.jobId, token);
    if (offset === undefined) throw textractError("InvalidParameterException", "NextToken is not one of this job's");
    if (job.end === undefined || job.end.status === "FAILED") return jobAnswer(job, undefined);
    const count = Math.min(request.MaxResults ?? maxResults, maxResults);
    const { blocks, total } = await ports.results.readBlocks(job, offset, count);
    const next = offset + blocks.length;
    return jobAnswer(job, { blocks, ...(next < total ? { nextToken: ports.tokens.issue(job.jobId, next) } : {}) });
  };
}
