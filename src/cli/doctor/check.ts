import { failureOf } from "../../client/failure-of.ts";

/** The result of one check. */
export interface Check {
  /** What was checked. */
  name: string;
  status: "ok" | "warning" | "failed" | "skipped";
  /** What was found. */
  detail: string;
  /** What to do about it; null where nothing has to be done. */
  remedy: string | null;
}

export function ok(name: string, detail: string): Check {
  return { name, status: "ok", detail, remedy: null };
}

export function warning(name: string, detail: string, remedy: string): Check {
  return { name, status: "warning", detail, remedy };
}

export function failed(name: string, detail: string, remedy: string): Check {
  return { name, status: "failed", detail, remedy };
}

export function skipped(name: string, detail: string): Check {
  return { name, status: "skipped", detail, remedy: null };
}

/** Runs a check; an exception is its failure, with the failure's own remedy. */
export async function checked(name: string, run: () => Promise<Check>): Promise<Check> {
  try {
    return await run();
  } catch (error) {
    const failure = failureOf(error);
    return failed(name, `${failure.type}: ${failure.message}`, failure.remedy);
  }
}
