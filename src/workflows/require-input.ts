import { patched, workflowInfo } from "@temporalio/workflow";
import { failureTable } from "../contract/failures.ts";
import { toWorkflowFailure } from "./document-failure.ts";

/** What the value of a field must be, and the words for it. */
export interface FieldRule {
  holds(value: unknown): boolean;
  /** The end of a sentence that begins with the field's name. */
  must: string;
}

const uuidPattern = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

const isText = (value: unknown) => typeof value === "string" && value !== "";
export const isUuid = (value: unknown) => typeof value === "string" && uuidPattern.test(value);

export const text: FieldRule = { holds: isText, must: "must be text" };
export const uuid: FieldRule = { holds: isUuid, must: "must be a UUID" };
export const flag: FieldRule = { holds: (value) => typeof value === "boolean", must: "must be true or false" };

/** The rule of a field that may be left out; many languages write that as null. */
export function optional({ holds, must }: FieldRule): FieldRule {
  return { holds: (value) => value === undefined || value === null || holds(value), must };
}

/** A list of at most so many entries. */
export function listOf(of: string, isEntry: (value: unknown) => boolean, most: number): FieldRule {
  return {
    holds: (value) => Array.isArray(value) && value.length <= most && value.every(isEntry),
    must: `must be a list of at most ${most} ${of}`,
  };
}

/**
 * Refuses an input that a program wrote wrongly. Unchecked it would be an exception of the workflow's code, and Temporal
 * runs a task that throws again for ever.
 * @param further what is wrong with the fields together, null where nothing is; asked when each of them is right
 * @param options.additions whether fields without a rule are left alone: versions to come may add some
 * @throws `InvalidInput`, naming every field that is wrong
 */
export function requireInput<T extends object>(
  input: T,
  rules: Record<keyof T & string, FieldRule>,
  { further = () => null, additions = false }: { further?: (input: T) => string | null; additions?: boolean } = {},
): void {
  const problem = problemsOf(input, rules, additions) ?? further(input);
  // A workflow that was begun before there were rules goes on as it did.
  if (problem === null || !patched("inputs-are-checked")) return;
  const message = `The input of ${workflowInfo().workflowType} is not valid: ${problem}.`;
  throw toWorkflowFailure({ type: "InvalidInput", message, remedy: failureTable.InvalidInput.remedy }, null);
}

function problemsOf(input: unknown, rules: Record<string, FieldRule>, additions: boolean): string | null {
  if (input === undefined || input === null) return "the input is missing";
  if (typeof input !== "object" || Array.isArray(input)) return "the input must be an object";
  const value = input as Record<string, unknown>;
  const unknown = additions ? [] : Object.keys(value).filter((name) => !Object.hasOwn(rules, name));
  const problems = [
    ...unknown.map((name) => `the input has no field ${JSON.stringify(name.slice(0, 100))}`),
    ...Object.entries(rules)
      .filter(([name, { holds }]) => !holds(value[name]))
      .map(([name, { must }]) => `${name} ${value[name] === undefined ? "is missing" : must}`),
  ];
  return problems.length === 0 ? null : problems.slice(0, 20).join("; ");
}
