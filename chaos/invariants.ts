import type { FailureType, MissingPage } from "#docket/contract/failures";
import { failedOnPurpose } from "./faults.ts";
import type { Ended } from "./hand-in.ts";
import { compareLedgers, readBilledJobs } from "./ledgers.ts";
import { memoryLimits } from "./memory-watch.ts";
import type { PlannedDocument } from "./plan.ts";
import type { World } from "./world.ts";

/** A document of the run, the ends of its workflows, and the pages that a calm run gave. */
export interface Followed {
  name: string;
  planned: PlannedDocument;
  ends: Ended[];
  /** Text of each page; null where the calm run has none, because it cannot be read. */
  calmPages: string[] | null;
}

type Rows = Awaited<ReturnType<typeof readRows>>;

function readRows({ database }: World) {
  return database.document.findMany({
    include: {
      metadata: { select: { documentId: true } },
      pages: { select: { number: true, text: true, rawKey: true }, orderBy: { number: "asc" } },
      textractJobs: true,
      project: { select: { slug: true } },
    },
  });
}

/** Everything that does not hold after a run, in words; empty when Docket keeps its promise. */
export async function findViolations(world: World, followed: readonly Followed[]): Promise<string[]> {
  const rows = await readRows(world);
  const byId = new Map(rows.map((row) => [row.id, row]));
  const billed = await readBilledJobs(world);
  const violations = compareLedgers(
    rows.flatMap((row) => row.textractJobs),
    billed,
  );
  const known = new Set<string>();
  for (const document of followed) {
    const ids = new Set(document.ends.flatMap(({ documentId }) => (documentId === null ? [] : [documentId])));
    const [id] = ids;
    const row = id === undefined ? undefined : byId.get(id);
    if (ids.size !== 1 || row === undefined) {
      violations.push(`${document.name}: ${ids.size} ids, ${row === undefined ? "no record" : "a record"}`);
      continue;
    }
    known.add(row.id);
    violations.push(...violationsOf(document, row).map((what) => `${document.name} (${row.id}): ${what}`));
  }
  // The calm run's documents are in projects of their own.
  for (const row of rows) {
    if (row.project.slug.startsWith("chaos-") && !known.has(row.id))
      violations.push(`nobody handed in document ${row.id}`);
  }
  violations.push(...(await missingRawResults(world, rows)));
  violations.push(...world.fleet.surprises);
  return violations;
}

function violationsOf({ planned, ends, calmPages }: Followed, row: Rows[number]): string[] {
  const violations = row.pages
    .filter(({ number, text }) => calmPages !== null && text !== calmPages[number - 1])
    .map(({ number }) => `page ${number} differs from the calm run`);
  if (row.status === "complete") {
    const numbers = row.pages.map(({ number }) => number);
    const pages = calmPages?.length ?? 0;
    if (planned.content.fails !== null) violations.push("complete, though it cannot be read");
    else if (row.expectedPages !== pages || row.storedPages !== pages || numbers.join() !== upTo(pages)) {
      violations.push(
        `${pages} pages, but ${row.expectedPages} expected, ${row.storedPages} counted, stored: ${numbers}`,
      );
    }
    if (row.metadata === null) violations.push("complete without metadata");
  } else if (row.status === "incomplete") {
    violations.push(...incompleteViolations(row, calmPages?.length ?? 0));
  } else if (row.status === "failed") {
    const explained = explainedFailures(planned, row);
    const type = row.failureType as FailureType;
    // Pages that are missing make a document incomplete, with the list of them.
    if (!explained.includes(type) || type === "PagesFailed") {
      violations.push(`failed with ${type}, which no fault explains: ${row.failureMessage}`);
    }
  } else {
    violations.push(`${row.status} at the end`);
  }
  for (const { workflowId, failureType } of ends) {
    const agrees = failureType === null ? row.status === "complete" : failureType === row.failureType;
    // A run that another one overtook says so; the other one's end is the document's.
    const overtaken = failureType === "Superseded" && ends.length > 1;
    // An earlier run may have failed where the second hand-in went on.
    const earlier = ends.length > 1 && explainedFailures(planned, row).includes(failureType as FailureType);
    if (!agrees && !overtaken && !earlier) {
      violations.push(`workflow ${workflowId} ended ${failureType ?? "complete"}, the record is ${row.status}`);
    }
  }
  return violations;
}

/** A document may lack the pages that a fault took from the whole job and from the second try; it keeps the others. */
function incompleteViolations(row: Rows[number], pages: number): string[] {
  const missing = (row.missingPages ?? []) as unknown as MissingPage[];
  const lacked = new Set(missing.map(({ page }) => page));
  const violations = missing
    .filter(({ warning }) => !failedOnPurpose(warning))
    .map(({ page, warning }) => `page ${page} is missing with ${warning ?? "no warning"}, which no fault explains`);
  if (!secondTryFailed(row)) violations.push("incomplete, though the second try was not in the way of a fault");
  const stored = row.pages.map(({ number }) => number).join();
  const others = Array.from({ length: pages }, (_, index) => index + 1).filter((page) => !lacked.has(page));
  if (lacked.size === 0 || row.failureType !== "PagesFailed" || stored !== others.join()) {
    violations.push(
      `${row.failureType}: ${pages} pages, stored: ${stored || "none"}, missing: ${[...lacked].join() || "none"}`,
    );
  }
  return violations;
}

/** Whether a fault met a job that read the missing pages only. */
function secondTryFailed(row: Rows[number]): boolean {
  const tries = row.textractJobs.filter(({ pageNumbers }) => pageNumbers.length > 0);
  return (
    tries.some(({ state, statusMessage }) => state === "partial_success" || failedOnPurpose(statusMessage)) ||
    tries.filter(({ state }) => state === "expired").length >= 3
  );
}

/** The failures that a document may end with: its own, and those of faults that its jobs have met. */
function explainedFailures({ content }: PlannedDocument, row: Rows[number]): FailureType[] {
  if (content.fails !== null) return [...content.fails];
  const explained: FailureType[] = [];
  // A run before the one that the record tells of may have ended without these pages.
  if (secondTryFailed(row)) explained.push("PagesFailed");
  if (row.textractJobs.some(({ statusMessage }) => failedOnPurpose(statusMessage))) explained.push("TextractJobFailed");
  if (row.textractJobs.filter(({ state }) => state === "expired").length >= 3) explained.push("TextractJobExpired");
  return explained;
}

/** Raw results that a page names and S3 does not have. */
async function missingRawResults({ storage, bucket }: World, rows: Rows): Promise<string[]> {
  const keys = new Set(rows.flatMap(({ pages }) => pages.flatMap(({ rawKey }) => (rawKey === null ? [] : [rawKey]))));
  const missing = await Promise.all(
    [...keys].map((key) =>
      storage.head({ bucket, key }).then(
        () => null,
        (error: Error) => `the raw result ${key} is not to be had: ${error.message}`,
      ),
    ),
  );
  return missing.filter((what) => what !== null);
}

/** Processes that held more than they may. */
export function memoryViolations(peaks: ReadonlyMap<string, number>): string[] {
  return [...peaks].flatMap(([name, bytes]) => {
    const limit = memoryLimits.find(([beginning]) => name.startsWith(beginning))?.[1];
    if (limit === undefined || bytes <= limit) return [];
    return [`${name} held ${mebibytes(bytes)} MiB, its limit is ${mebibytes(limit)} MiB`];
  });
}

/** Bytes as whole mebibytes. */
export function mebibytes(bytes: number): number {
  return Math.round(bytes / 1024 / 1024);
}

function upTo(count: number): string {
  return Array.from({ length: count }, (_, index) => index + 1).join();
}
