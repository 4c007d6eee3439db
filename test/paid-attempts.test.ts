import { describe, expect, it } from "vitest";
import { chooseAttempt, type LedgerRow } from "#docket/textract/choose-attempt";
import { requestToken } from "#docket/textract/request-token";

const row = (attempt: number, state: LedgerRow["state"], runId = "earlier", content = "c"): LedgerRow => ({
  content,
  attempt,
  state,
  runId,
  pageNumbers: [],
  statusMessage: null,
  storedPages: null,
});
const ask = (rows: LedgerRow[], force = false, firstRunId = "now") =>
  chooseAttempt(rows, { runId: "now", firstRunId, force, content: "c" });

describe("a new payment is meant only when", () => {
  it("nothing was ever meant", () => expect(ask([])).toEqual({ newAttempt: 1 }));

  it.each(["intended", "submitted", "succeeded", "partial_success"] as const)("not when the last is %s", (state) => {
    expect(ask([row(1, "failed"), row(2, state)])).toEqual({ reuse: row(2, state) });
  });

  it("a failed job is submitted again by a new run", () => expect(ask([row(1, "failed")])).toEqual({ newAttempt: 2 }));

  it("Textract no longer knows the job, even in the same run", () => {
    expect(ask([row(3, "expired", "now"), row(2, "failed")])).toEqual({ newAttempt: 4 });
  });

  it("it is forced, and once only for one run", () => {
    expect(ask([row(1, "succeeded")], true)).toEqual({ newAttempt: 2 });
    expect(ask([row(1, "succeeded"), row(2, "succeeded", "now")], true)).toEqual({ reuse: row(2, "succeeded", "now") });
  });

  it("it was paid by another hand-in, not by the run that was reset", () => {
    expect(ask([row(1, "succeeded", "first")], true, "first")).toEqual({ reuse: row(1, "succeeded", "first") });
    expect(ask([row(1, "succeeded", "other")], true, "first")).toEqual({ newAttempt: 2 });
  });

  it.each(["failed", "refused"] as const)("it cost nothing: %s is tried anew after a reset, too", (state) => {
    expect(ask([row(1, state, "first")], false, "first")).toEqual({ newAttempt: 2 });
  });

  it("whoever asked was denied, and somebody forces it: the job may be running", () => {
    const denied = { ...row(1, "intended"), statusMessage: "AccessDeniedException" };
    expect(ask([denied])).toEqual({ reuse: denied });
    expect(ask([denied], true)).toEqual({ newAttempt: 2 });
    expect(ask([denied], true, "earlier")).toEqual({ reuse: denied });
  });

  it("not when forced while a job is under way", () => {
    expect(ask([row(1, "submitted")], true)).toEqual({ reuse: row(1, "submitted") });
  });
});

describe("pages that are missing are paid anew only when", () => {
  const ofPages = (attempt: number, state: LedgerRow["state"], storedPages: number | null = null): LedgerRow => ({
    ...row(attempt, state),
    pageNumbers: [2, 4],
    storedPages,
  });
  const part = { pages: [2, 4], since: 1 };
  const askPart = (rows: LedgerRow[], runId = "now", firstRunId = runId) =>
    chooseAttempt(rows, { runId, firstRunId, force: false, content: "c", part });

  it("nobody tried them: the attempt's number is that after all others", () => {
    expect(askPart([row(1, "partial_success")])).toEqual({ newAttempt: 2 });
  });

  it("an earlier run tried them in vain, and collected what there was", () => {
    expect(askPart([row(1, "partial_success"), ofPages(2, "partial_success", 1)])).toEqual({ newAttempt: 3 });
    expect(askPart([row(1, "partial_success"), ofPages(2, "failed")])).toEqual({ newAttempt: 3 });
  });

  it.each(["intended", "submitted", "succeeded"] as const)("not when that try is %s and not collected", (state) => {
    expect(askPart([row(1, "partial_success"), ofPages(2, state)])).toEqual({ reuse: ofPages(2, state) });
  });

  it("not in the run that tried them", () => {
    const tried = ofPages(2, "partial_success", 0);
    expect(askPart([row(1, "partial_success"), tried], "earlier")).toEqual({ reuse: tried });
  });

  it("not in a reset of the run that tried them", () => {
    const tried = ofPages(2, "partial_success", 0);
    expect(askPart([row(1, "partial_success"), tried], "now", "earlier")).toEqual({ reuse: tried });
  });

  it("they belong to an older reading of the whole, or are others", () => {
    const others = { ...ofPages(3, "succeeded"), pageNumbers: [2] };
    expect(askPart([ofPages(1, "succeeded"), row(1, "partial_success"), others])).toEqual({ newAttempt: 4 });
  });

  it("the whole document is not taken for them", () => {
    expect(ask([row(1, "partial_success"), ofPages(2, "failed")])).toEqual({ reuse: row(1, "partial_success") });
  });
});

describe("the request token", () => {
  const work = { documentId: "d", content: "c", features: ["TABLES", "FORMS"] as const, attempt: 1 };

  it("has the form that Textract accepts", () => expect(requestToken(work)).toMatch(/^[a-zA-Z0-9-_]{1,64}$/));

  it("is the same for the same work, whatever the order of the features", () => {
    expect(requestToken({ ...work, features: ["FORMS", "TABLES"] })).toBe(requestToken(work));
  });

  it("is what it was before parts of a document could be read", () => {
    const known = "6b01d35ea585ba181ce8bc5a2196aca4c49b66d4d8d8ab2b92f96ce99c5d4ffd";
    expect(requestToken(work)).toBe(known);
    expect(requestToken({ ...work, pages: [] })).toBe(known);
  });

  it.each([{ documentId: "e" }, { content: "x" }, { features: [] }, { attempt: 2 }, { pages: [2] }])(
    "differs with %o",
    (change) => {
      expect(requestToken({ ...work, ...change })).not.toBe(requestToken(work));
    },
  );
});
