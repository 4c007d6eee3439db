import { describe, expect, it } from "vitest";
import { chooseAttempt, type LedgerRow } from "#docket/textract/choose-attempt";
import { requestToken } from "#docket/textract/request-token";

const row = (attempt: number, state: LedgerRow["state"], runId = "earlier", content = "c"): LedgerRow => ({
  content,
  attempt,
  state,
  runId,
});
const ask = (rows: LedgerRow[], force = false) => chooseAttempt(rows, { runId: "now", force, content: "c" });

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

  it("not when forced while a job is under way", () => {
    expect(ask([row(1, "submitted")], true)).toEqual({ reuse: row(1, "submitted") });
  });
});

describe("the request token", () => {
  const work = { documentId: "d", content: "c", features: ["TABLES", "FORMS"] as const, attempt: 1 };

  it("has the form that Textract accepts", () => expect(requestToken(work)).toMatch(/^[a-zA-Z0-9-_]{1,64}$/));

  it("is the same for the same work, whatever the order of the features", () => {
    expect(requestToken({ ...work, features: ["FORMS", "TABLES"] })).toBe(requestToken(work));
  });

  it.each([{ documentId: "e" }, { content: "x" }, { features: [] }, { attempt: 2 }])("differs with %o", (change) => {
    expect(requestToken({ ...work, ...change })).not.toBe(requestToken(work));
  });
});
