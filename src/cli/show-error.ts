import { DocketError, type Failure } from "../contract/failures.ts";
import { colorsFor, note } from "./output.ts";
import { printableLine } from "./render/printable.ts";

/**
 * Any exception as type, message and remedy. Errors of the libraries below that a person can do something about are
 * told by what they say; everything else is a defect.
 */
export function failureOf(error: unknown): Failure {
  if (error instanceof DocketError) return error.toFailure();
  const { name = "", code = "", message = String(error) } = error as { name?: string; code?: string; message?: string };
  const text = message.trim();
  if (code === "P2021" || code === "P2022") {
    return {
      type: "DatabaseUnavailable",
      message: `The database lacks Docket's tables or columns: ${lastLine(text)}`,
      remedy: "Apply the migrations: `docket up` does, or `npx prisma migrate deploy`.",
    };
  }
  if (name.startsWith("PrismaClient") || /ECONNREFUSED|ECONNRESET|terminated|timeout/i.test(`${code} ${text}`)) {
    const message = `PostgreSQL does not answer: ${lastLine(text) || code}`;
    if (name.startsWith("PrismaClient")) return new DocketError("DatabaseUnavailable", message).toFailure();
  }
  if (code === "ENOSPC") {
    return { type: "Internal", message: "The disk is full.", remedy: "Make room, then run again: the work goes on." };
  }
  return {
    type: "Internal",
    message: text || name,
    remedy: "This is a defect in Docket, or a case it does not know; --verbose shows where it happened.",
  };
}

function lastLine(text: string): string {
  return text.split("\n").at(-1)?.trim() ?? "";
}

/** Tells a person, or with `json` a program, why the command ended, on standard error. */
export function showError(error: unknown, options: { json: boolean; verbose: boolean }): void {
  const failure = failureOf(error);
  if (options.json) {
    note(JSON.stringify({ error: failure }));
  } else {
    const color = colorsFor(process.stderr);
    note(`${color.red("error:")} ${printableLine(failure.message)}`);
    note(`  ${color.dim("remedy:")} ${printableLine(failure.remedy)}`);
  }
  if (options.verbose || process.env["DEBUG"]) {
    for (let cause = error; cause instanceof Error; cause = cause.cause) note(cause.stack ?? cause.message);
  }
}
