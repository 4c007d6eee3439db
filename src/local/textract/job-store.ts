import { join } from "node:path";
import { openCompacted } from "./compact-lines.ts";
import type { JobEnd, JobRequest, TextractJob } from "./textract-job.ts";

// What happened to jobs, one line each, in the order in which it happened.
type JobEvent =
  | { event: "accepted"; job: JobRequest }
  | { event: "counted"; jobId: string; pages: number }
  | { event: "finished"; jobId: string; end: JobEnd }
  | { event: "notified"; jobId: string }
  | { event: "expired"; jobId: string };

/** Jobs and their tokens: in memory for answers, in a journal on disk for restarts. */
export interface JobStore {
  /** Undefined for a job that never was, and for one whose time is over. */
  get(jobId: string): TextractJob | undefined;
  /** The job that a token started. */
  byToken(operation: string, token: string): TextractJob | undefined;
  /** Jobs that have not ended, oldest first. */
  open(): TextractJob[];
  /** The job is on the disk when this resolves: only then may a caller be told its id. */
  accept(request: JobRequest): Promise<TextractJob>;
  counted(job: TextractJob, pages: number): Promise<void>;
  finish(job: TextractJob, end: JobEnd): Promise<void>;
  /** The job's end was told to its topic, or never will be. */
  notified(job: TextractJob): Promise<void>;
  /** Jobs that have ended and whose topic was not told. */
  unnotified(): TextractJob[];
  expire(job: TextractJob): Promise<void>;
  /** Jobs whose time is over and that still take up room. */
  overdue(): TextractJob[];
  close(): Promise<void>;
}

/**
 * @param options.retentionMilliseconds how long results and tokens live, from the job's start
 */
export async function openJobStore(options: { folder: string; retentionMilliseconds: number }): Promise<JobStore> {
  const jobs = new Map<string, TextractJob>();
  const byToken = new Map<string, TextractJob>();
  const open = new Map<string, TextractJob>();
  const journal = await openCompacted(
    join(options.folder, "jobs.jsonl"),
    (event) => apply(event as JobEvent),
    () => [...jobs.values()].flatMap(eventsOf),
  );
  const record = async (event: JobEvent) => {
    await journal.append(event);
    apply(event);
  };

  return {
    get: (jobId) => living(jobs.get(jobId)),
    byToken: (operation, token) => living(byToken.get(`${operation}/${token}`)),
    open: () => [...open.values()],
    async accept(request) {
      await record({ event: "accepted", job: request });
      const job = jobs.get(request.jobId);
      if (job === undefined) throw new Error(`job ${request.jobId} was not kept`);
      return job;
    },
    counted: (job, pages) => record({ event: "counted", jobId: job.jobId, pages }),
    finish: (job, end) => record({ event: "finished", jobId: job.jobId, end }),
    notified: (job) => record({ event: "notified", jobId: job.jobId }),
    unnotified: () =>
      [...jobs.values()].filter(
        (job) => job.end !== undefined && job.notificationChannel !== undefined && !job.notified,
      ),
    expire: (job) => record({ event: "expired", jobId: job.jobId }),
    overdue: () => [...jobs.values()].filter((job) => living(job) === undefined),
    close: () => journal.close(),
  };

  function living(job: TextractJob | undefined): TextractJob | undefined {
    const over = job !== undefined && job.acceptedAt + options.retentionMilliseconds <= Date.now();
    return over ? undefined : job;
  }

  function apply(event: JobEvent): void {
    if (event.event === "accepted") {
      const job: TextractJob = { ...event.job, pagesDone: 0 };
      jobs.set(job.jobId, job);
      open.set(job.jobId, job);
      if (job.token !== undefined) byToken.set(`${job.operation}/${job.token}`, job);
      return;
    }
    const job = jobs.get(event.jobId);
    if (job === undefined) return;
    if (event.event === "counted") job.pages = event.pages;
    else if (event.event === "notified") job.notified = true;
    else open.delete(job.jobId);
    if (event.event === "finished") job.end = event.end;
    if (event.event === "expired") {
      jobs.delete(job.jobId);
      const key = `${job.operation}/${job.token}`;
      if (byToken.get(key) === job) byToken.delete(key);
    }
  }
}

function eventsOf(job: TextractJob): JobEvent[] {
  const { pages, pagesDone: _, end, notified, ...request } = job;
  const { jobId } = job;
  return [
    { event: "accepted", job: request },
    ...(pages === undefined ? [] : [{ event: "counted" as const, jobId, pages }]),
    ...(end === undefined ? [] : [{ event: "finished" as const, jobId, end }]),
    ...(notified === undefined ? [] : [{ event: "notified" as const, jobId }]),
  ];
}
