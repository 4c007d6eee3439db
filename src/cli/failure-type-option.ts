import { InvalidArgumentError } from "commander";
import { type FailureType, failureTable, isFailureType } from "../contract/failures.ts";

/** A failure type as a person writes it, in any case. */
export function parseFailureType(value: string): FailureType {
  const name = Object.keys(failureTable).find((type) => type.toLowerCase() === value.toLowerCase());
  if (isFailureType(name)) return name;
  throw new InvalidArgumentError(`${value} is no failure type; \`docket failures\` lists those that occurred.`);
}
