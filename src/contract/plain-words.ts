import type { z } from "zod";

/**
 * What is wrong with a value, as the end of a sentence that begins with the value's name: "is missing", "must be a
 * number". For `safeParse(value, { error: plainWords })`; a message that the schema gives itself goes before it. The
 * value itself is never told: it may be a secret.
 */
export function plainWords(issue: z.core.$ZodRawIssue): string {
  switch (issue.code) {
    case "invalid_type":
      return issue.input === undefined ? "is missing" : `must be ${kinds[issue.expected] ?? issue.expected}`;
    case "invalid_value":
      return issue.input === undefined ? "is missing" : `must be ${oneOf(issue.values)}`;
    case "unrecognized_keys":
      return `has no field ${issue.keys.map((key) => JSON.stringify(key)).join(", ")}`;
    case "too_small":
      return `must ${bound(issue.origin, "at least", Number(issue.minimum), issue.inclusive ?? true)}`;
    case "too_big":
      return `must ${bound(issue.origin, "at most", Number(issue.maximum), issue.inclusive ?? true)}`;
    case "invalid_format":
      return issue.format === "uuid" ? "must be a UUID" : `must have the form of ${issue.format}`;
    case "invalid_key":
      return "has a name that is not allowed";
    default:
      return "is not valid";
  }
}

/** Everything that is wrong, each with the name of its field. @param whole what the value itself is called */
export function problemsOf(error: z.ZodError, whole: string): string {
  const name = (path: readonly PropertyKey[]) => (path.length === 0 ? whole : path.map(String).join("."));
  return error.issues.map((issue) => `${name(issue.path)} ${issue.message}`).join("; ");
}

const kinds: Record<string, string> = {
  string: "text",
  number: "a number",
  int: "a whole number",
  boolean: "true or false",
  object: "an object",
  record: "an object",
  array: "a list",
};

function oneOf(values: readonly unknown[]): string {
  return values.length === 1 ? String(values[0]) : `one of ${values.map(String).join(", ")}`;
}

function bound(origin: string, most: string, limit: number, inclusive: boolean): string {
  const things: Record<string, string> = { string: "characters", array: "entries", set: "entries" };
  const thing = things[origin];
  if (thing !== undefined) return `have ${most} ${limit} ${limit === 1 ? thing.replace(/s$/, "") : thing}`;
  const strictly = most === "at least" ? "above" : "below";
  return `be ${inclusive ? most : strictly} ${limit}`;
}
