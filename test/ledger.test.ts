import { randomUUID } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ledgerTotals, listLedger } from "#docket/client/ledger/read-ledger";
import { requestToken } from "#docket/textract/request-token";
import { region, startEndpoint, startText } from "./support/local-textract.ts";
import { connectStack, docket, stackEnvironment, startWorker } from "./support/stack.ts";

let stack: Awaited<ReturnType<typeof connectStack>>;
let endpoint: Awaited<ReturnType<typeof startEndpoint>>;
let folder: string;
/** The rows of two documents that really went through Textract. */
let rows: Awaited<ReturnType<typeof readRows>>;
const project = `ledger-${randomUUID().slice(0, 8)}`;

const readRows = () =>
  stack.database.textractJob.findMany({ where: { document: { project: { slug: project } } }, orderBy: { key: "asc" } });

beforeAll(async () => {
  stack = await connectStack();
  endpoint = await startEndpoint();
  folder = await mkdtemp(join(tmpdir(), "docket-ledger-"));
  const worker = await startWorker(undefined, {
    AWS_ENDPOINT_URL_TEXTRACT: endpoint.address,
    DOCKET_TEXTRACT_POLL_MIN_SECONDS: "0.3",
  });
  await Promise.all(
    ["service-agreement.pdf", "article-two-columns.pdf"].map(async (name) => {
      const document = await stack.upload(`${project}/${name}`, `samples/${name}`);
      const options = { taskQueue: "documents", workflowId: `${project}/${name}`, args: [{ document, project }] };
      await stack.client.workflow.execute("processDocument", options);
    }),
  );
  await worker.stop();
  rows = await readRows();
});
afterAll(async () => {
  await endpoint.end();
  await stack.close();
  await rm(folder, { recursive: true, force: true });
});

async function ledger(...args: string[]) {
  const environment = stackEnvironment({ AWS_ENDPOINT_URL_TEXTRACT: endpoint.address });
  const { code, stdout, stderr } = await docket(["ledger", "--project", project, ...args], environment);
  const lines = args.includes("--json")
    ? stdout
        .trim()
        .split("\n")
        .filter(Boolean)
        .map((line) => JSON.parse(line))
    : [];
  return { code, stdout, stderr, lines, last: lines.at(-1), differences: lines.slice(0, -1) };
}

describe("docket ledger", () => {
  it("lists every attempt with pages and cost, and the sums", async () => {
    const { code, lines, last } = await ledger("--json");
    expect(code).toBe(0);
    expect(lines.slice(0, -1)).toHaveLength(2);
    for (const row of rows) {
      expect(lines).toContainEqual(
        expect.objectContaining({
          documentId: row.documentId,
          jobId: row.jobId,
          project,
          attempt: 1,
          region,
          features: [],
          state: "succeeded",
          pages: row.pages,
          costUsd: Number(row.costUsd),
        }),
      );
    }
    const pages = rows.reduce((sum, row) => sum + (row.pages ?? 0), 0);
    const month = rows[0]?.submittedAt?.toISOString().slice(0, 7);
    expect(last).toEqual({
      totals: [{ project, region, month, jobs: 2, pages, costUsd: expect.closeTo(pages * 0.0015, 6) }],
    });
  });

  it("is a table for people, and filters by state, region and day", async () => {
    const { stdout } = await ledger();
    expect(stdout).toMatch(/service-agreement\.pdf +1 +us-east-1 +text +succeeded +4 +\$0\.0060/);
    expect(stdout).toMatch(/^all +2 /m);
    expect((await ledger("--json", "--state", "failed")).lines).toEqual([{ totals: [] }]);
    for (const none of [{ region: "eu-west-1" }, { since: new Date("2999-01-01") }, { project: "none" }]) {
      const filter = { project, ...none };
      expect(await ledgerTotals(stack.database, filter)).toEqual([]);
      for await (const entry of listLedger(stack.database, filter)) expect.fail(entry.documentId);
    }
    expect((await ledger("--since", "yesterday")).code).toBe(1);
  });
});

describe("docket ledger --expiring", () => {
  const hour = 3600 * 1000;

  it("lists what the metric counts, the first to be forgotten first, whatever is behind the table's end", async () => {
    const [some] = rows as [(typeof rows)[0]];
    const { id: _, failedPages: __, ...rest } = some;
    const now = Date.now();
    const ids: string[] = [];
    const add = async (attempt: number, hours: number, changed: object) => {
      ids.push(randomUUID());
      const ofItsOwn = { id: ids.at(-1) ?? "", attempt, jobId: `job-${ids.at(-1)}`, token: randomUUID() };
      const submittedAt = new Date(now - hours * hour);
      // As meant now: the list of all attempts has them first.
      const data = { ...rest, ...ofItsOwn, storedPages: null, submittedAt, intendedAt: new Date(), ...changed };
      await stack.database.textractJob.create({ data });
    };
    await add(11, 149, { state: "submitted" });
    await add(12, 163, { state: "succeeded" });
    await add(13, 156, { state: "partial_success" });
    await add(14, 165, { state: "succeeded", storedPages: 4 });
    await add(15, 165, { state: "failed" });
    await add(16, 165, { state: "succeeded", content: "unknown/replaced" });
    await add(17, 169, { state: "succeeded" });
    await add(18, 72, { state: "submitted" });
    try {
      const { code, lines } = await ledger("--expiring", "--json");
      expect(code).toBe(0);
      expect(lines.map(({ attempt }) => attempt)).toEqual([12, 13, 11]);
      expect(lines[0]).toMatchObject({
        ...{ documentId: some.documentId, state: "succeeded", documentStatus: "complete" },
        expiresAt: new Date(now + 5 * hour).toISOString(),
      });
      expect((await ledger("--expiring", "7", "--json")).lines.map(({ attempt }) => attempt)).toEqual([12, 13, 11, 18]);
      const people = await ledger("--expiring", "--limit", "1");
      expect(people.stdout).toMatch(/^ *[45] h \d\d min .* 12 +us-east-1 +succeeded .* complete$/m);
      expect(people.stdout.trim().split("\n")).toHaveLength(2);
      expect(people.stderr).toContain("The first 1 of 3");
      expect((await ledger("--expiring", "8")).code).toBe(1);
    } finally {
      await stack.database.textractJob.deleteMany({ where: { id: { in: ids } } });
    }
    const none = await ledger("--expiring");
    expect(none.stdout).toContain("Textract forgets no paid result within 1 day");
  });
});

describe("docket ledger --reconcile", () => {
  it("asks Textract about each job, reads the endpoint's own ledger, and finds both to agree", async () => {
    const { code, lines, stderr } = await ledger("--reconcile", "--json");
    expect(stderr).toBe("");
    expect(lines).toEqual([{ rows: 2, asked: 2, recorded: 2, others: 0, deleted: 0, differences: 0 }]);
    expect(code).toBe(0);
  });

  it("finds what is wrong in a ledger that was broken on purpose, each as what it is", async () => {
    // By their keys; the first has a text layer, so that more of its jobs end quickly.
    const [second, first] = rows as [(typeof rows)[0], (typeof rows)[0]];
    const location = { S3Object: { Bucket: first.bucket, Name: first.key } };
    const { documentId } = first;
    const work = { documentId, content: first.content, features: [] };
    // Run behind the ledger's back; another program's; and in the ledger only.
    const unknown = await startText(endpoint.client, location, {
      ClientRequestToken: requestToken({ ...work, attempt: 7 }),
      JobTag: documentId,
    });
    await startText(endpoint.client, location, { ClientRequestToken: "another-program" });
    const lost = await startText(endpoint.client, location, {
      ClientRequestToken: requestToken({ ...work, attempt: 8 }),
    });
    await expect.poll(async () => (await endpoint.ledger()).length, { timeout: 90_000 }).toBe(5);
    const { id: _, attempt: __, token: ___, jobId: ____, failedPages: _____, ...rest } = first;
    const add = (attempt: number, jobId: string | null, state: "succeeded" | "intended") =>
      stack.database.textractJob.create({
        data: {
          ...rest,
          id: randomUUID(),
          attempt,
          token: requestToken({ ...work, attempt }),
          jobId,
          state,
        },
      });
    const invented = `invented-${randomUUID()}`;
    await add(2, invented, "succeeded");
    await add(8, null, "intended");
    await stack.database.textractJob.update({ where: { id: second.id }, data: { pages: 99 } });
    try {
      const { code, differences, last } = await ledger("--reconcile", "--json");
      expect(code).toBe(2);
      const found = new Set(differences.map(({ kind, jobId }) => `${kind} ${jobId}`));
      expect(found).toEqual(
        new Set([`no-row ${unknown}`, `never-run ${invented}`, `not-recorded ${lost}`, `pages-differ ${second.jobId}`]),
      );
      expect(last).toMatchObject({ others: 1, asked: 3, differences: differences.length });
      // One for each that says so: Textract itself and its ledger.
      expect(differences.filter(({ kind }) => kind === "pages-differ")).toHaveLength(1);
      const people = await ledger("--reconcile");
      expect(people.code).toBe(2);
      expect(people.stdout).toContain(`never-run     document ${documentId}, attempt 2, job ${invented}`);
    } finally {
      await stack.database.textractJob.deleteMany({ where: { documentId, attempt: { gt: 1 } } });
      await stack.database.textractJob.update({ where: { id: second.id }, data: { pages: second.pages } });
    }
  });

  it("says that Textract does not answer, and claims nothing", async () => {
    const environment = stackEnvironment({ AWS_ENDPOINT_URL_TEXTRACT: "http://127.0.0.1:9" });
    const { code, stdout, stderr } = await docket(["ledger", "--reconcile"], environment);
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toContain("http://127.0.0.1:9 does not answer");
  });
});

describe("docket ledger --cloudtrail", () => {
  const start = (jobId: string | undefined, token: string | undefined, more: object = {}) => ({
    eventSource: "textract.amazonaws.com",
    eventName: "StartDocumentTextDetection",
    eventTime: new Date().toISOString(),
    awsRegion: region,
    requestParameters: { clientRequestToken: token, jobTag: rows[0]?.documentId },
    responseElements: jobId === undefined ? null : { jobId },
    ...more,
  });
  const era = () => [
    // Reaches over the rows: what is not in it was not run.
    { eventName: "ListBuckets", eventTime: "2020-01-01T00:00:00Z" },
    start(undefined, "x", { errorCode: "ThrottlingException" }),
  ];
  const own = () => rows.map((row) => start(row.jobId ?? "", row.token, { eventTime: row.submittedAt?.toISOString() }));

  async function compare(content: object) {
    const file = join(folder, `${randomUUID()}.json`);
    await writeFile(file, JSON.stringify(content));
    return ledger("--cloudtrail", file, "--no-ask", "--json");
  }

  it("agrees with a trail that holds the same jobs, however often a Start was repeated", async () => {
    const { code, last } = await compare({ Records: [...era(), ...own(), ...own()] });
    expect(last).toMatchObject({ recorded: 2, asked: 0, differences: 0 });
    expect(code).toBe(0);
  });

  it("reads what `aws cloudtrail lookup-events` prints, and finds one attempt that was run twice", async () => {
    const twice = start("another-job", rows[0]?.token);
    const events = [...own(), twice].map((event) => ({ CloudTrailEvent: JSON.stringify(event) }));
    const { code, differences } = await compare({ Events: events });
    expect(code).toBe(2);
    expect(differences).toEqual([expect.objectContaining({ kind: "two-jobs", jobId: "another-job", attempt: 1 })]);
  });

  it("finds a job that no row knows, and a row that was never run", async () => {
    const [first, ...others] = own();
    const { differences } = await compare({
      Records: [
        start("unknown-job", "f".repeat(64), { eventTime: first?.eventTime }),
        ...others,
        start("late", "other", { requestParameters: null }),
      ],
    });
    expect(differences.map(({ kind, jobId }) => `${kind} ${jobId}`)).toEqual(
      expect.arrayContaining(["no-row unknown-job", `never-run ${rows[0]?.jobId}`]),
    );
    expect(differences).toHaveLength(2);
  });

  it("knows the jobs of documents that were deleted, by what the deletion kept of them", async () => {
    const id = randomUUID();
    const job = { attempt: 1, features: [], region, jobId: `deleted-${id}`, pages: 4, costUsd: 0.006 };
    await stack.database.deletion.create({
      data: {
        ...{ id, documentId: randomUUID(), project, requestedBy: "the test", reason: null, objects: 0 },
        ...{ sourceDeleted: false, pages: 4, costUsd: 0.006, jobs: [job], receivedAt: new Date() },
      },
    });
    try {
      const gone = start(job.jobId, "d".repeat(64), { eventTime: rows[0]?.submittedAt?.toISOString() });
      const { code, last } = await compare({ Records: [...era(), ...own(), gone] });
      expect(last).toMatchObject({ recorded: 3, others: 0, deleted: 1, differences: 0 });
      expect(code).toBe(0);
    } finally {
      await stack.database.deletion.delete({ where: { id } });
    }
  });

  it("refuses a file that is no export", async () => {
    const { code, stderr } = await compare({ hello: "world" });
    expect(code).toBe(1);
    expect(stderr).toContain("is no export of CloudTrail");
  });
});
