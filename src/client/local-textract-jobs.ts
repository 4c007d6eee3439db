/** Pages that the local Textract endpoint has read of each running job, by job id; empty where it does not answer. */
export async function readLocalJobs(textractStatus: string): Promise<Map<string, number>> {
  try {
    const answer = await fetch(new URL("jobs", `${textractStatus.replace(/\/$/, "")}/`), {
      signal: AbortSignal.timeout(2000),
    });
    if (!answer.ok) return new Map();
    const body = (await answer.json()) as { jobs?: LocalJob[] } | LocalJob[];
    const jobs = Array.isArray(body) ? body : (body.jobs ?? []);
    return new Map(jobs.map((job) => [job.jobId, job.pagesDone ?? 0]));
  } catch {
    // This is a comfort of the progress display; the documents do not depend on it.
    return new Map();
  }
}

interface LocalJob {
  jobId: string;
  pagesDone?: number;
}
