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

/** Nothing waits here, as a document's work does. */
export const credentialsRemedy =
  "Set AWS credentials (environment, profile or role) that are valid now, or mend the network or the clock.";

/** Runs a check; an exception is its failure, with the failure's own remedy. */
export async function checked(name: string, run: () => Promise<Check>): Promise<Check> {
  try {
    return await run();
  } catch (error) {
    const failure = failureOf(error);
    const remedy = failure.type === "CredentialsUnavailable" ? credentialsRemedy : failure.remedy;
    return failed(name, `${failure.type}: ${failure.message}`, remedy);
  }
}
