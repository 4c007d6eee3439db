import { createHash } from "node:crypto";
import { isPooled } from "./connection-options.ts";

/** Statements that a process names; what is built anew for each call must not fill the servers' memory. */
const mostNamed = 300;

/** Longer ones hold lists of rows, whose length differs from call to call. Characters. */
const longestNamed = 4000;

/**
 * Names for statements, so that PostgreSQL parses and plans each once a connection and not at every call. A name is
 * derived from the text: the same one means the same statement in every process. An empty name means none.
 *
 * Searches keep theirs planned anew: which plan is good depends on the words.
 * @param url where a proxy hands connections from one process to another between transactions and keeps no statements,
 * `pgbouncer=true` in the address turns names off
 */
export function statementNames(url: string): (query: { sql: string }) => string {
  if (isPooled(url)) return () => "";
  const names = new Map<string, string>();
  return ({ sql }) => {
    const known = names.get(sql);
    if (known !== undefined) return known;
    if (names.size >= mostNamed || sql.length > longestNamed || sql.includes("tsquery")) return "";
    const name = `docket_${createHash("sha256").update(sql).digest("hex").slice(0, 24)}`;
    names.set(sql, name);
    return name;
  };
}
