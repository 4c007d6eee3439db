import { readFileSync } from "node:fs";

/** How a system completes names that are not written in full (resolv.conf(5)). */
export interface SearchList {
  /** Domains, in the order in which they are tried. */
  domains: readonly string[];
  /** A name with fewer dots is looked for in the domains before it is taken as it is written. */
  ndots: number;
}

/** The system's own; no domains where it has none, or does not tell. */
export function readSearchList(): SearchList {
  try {
    // At once, as c-ares itself reads it: a read that waits for a thread is what names are kept away from.
    return parseSearchList(readFileSync("/etc/resolv.conf", "utf8"));
  } catch {
    return parseSearchList("");
  }
}

/** @param text of a resolv.conf, in which the last word counts */
export function parseSearchList(text: string): SearchList {
  let list: SearchList = { domains: [], ndots: 1 };
  for (const line of text.split("\n")) {
    const [keyword, ...values] = line.split(/[#;]/)[0]?.trim().split(/\s+/) ?? [];
    if (keyword === "search" || keyword === "domain") list = { ...list, domains: values };
    const ndots = keyword === "options" ? /\bndots:(\d+)/.exec(values.join(" "))?.[1] : undefined;
    if (ndots !== undefined) list = { ...list, ndots: Number(ndots) };
  }
  return list;
}

/** The full names that a name may stand for, in the order in which the system would ask for them. */
export function fullNames(name: string, { domains, ndots }: SearchList): string[] {
  if (name.endsWith(".") || name.split(".").length > ndots) return [name];
  // The domain `.` stands for the name as it is written.
  return [...new Set([...domains.map((domain) => (domain === "." ? name : `${name}.${domain}`)), name])];
}
