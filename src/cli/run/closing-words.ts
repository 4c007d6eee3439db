import { invocation } from "../invocation.ts";
import type { Colors } from "../output.ts";
import { printableLine } from "../render/printable.ts";

export interface Closing {
  /** Folder with the texts, and a document to name as the example; null when there is no text. */
  texts: { folder: string; documentId: string } | null;
  /** Address of the user's own database; null for the embedded one. */
  databaseUrl: string | null;
  /** Null where the Temporal server is not ours. */
  webUi: string | null;
  /** Whether the stack goes on running after this command. */
  stackStays: boolean;
  /** Whether Textract is the local endpoint, which charges nothing. */
  localTextract: boolean;
  /** Whether anything was charged for. */
  costUsd: number;
}

/** Where the text is and how to look at it: what a run says last. */
export function renderClosing(closing: Closing, color: Colors): string {
  const docket = invocation();
  const byEnvironment = `eval "$(${docket} env)" sets DATABASE_URL for any PostgreSQL client`;
  const lines: [string, string][] = [];
  if (closing.texts !== null) {
    lines.push(["Text", `${closing.texts.folder}/   or: ${docket} text ${closing.texts.documentId.slice(0, 8)}`]);
  }
  if (closing.databaseUrl !== null) lines.push(["Database", withoutPassword(closing.databaseUrl)]);
  else if (closing.stackStays) lines.push(["Database", byEnvironment]);
  // The embedded parts end with this command, and may be at other addresses the next time: none is named.
  else lines.push(["Database", `while ${docket} up runs: ${byEnvironment}`]);
  if (closing.webUi !== null)
    lines.push(["Web UI", closing.stackStays ? closing.webUi : `${docket} up tells its address`]);
  if (closing.localTextract && closing.costUsd > 0) {
    lines.push(["Cost", "what Amazon Textract would have charged; the local endpoint charges nothing"]);
  }
  return lines.map(([name, text]) => `${color.bold(name.padEnd(9))} ${text}`).join("\n");
}

/** A database address without its password, for people. */
export function withoutPassword(databaseUrl: string): string {
  try {
    const url = new URL(databaseUrl);
    url.password = "";
    url.searchParams.delete("password");
    return printableLine(url.toString());
  } catch {
    return "postgresql://…";
  }
}
