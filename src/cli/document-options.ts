import { type Command, InvalidArgumentError, Option } from "commander";
import type { HandInOptions } from "../client/hand-in-document.ts";
import { defaultProject } from "../contract/document-id.ts";
import { type Engine, engines, type Feature, features } from "../contract/process-document.ts";

/** Options of the commands that hand documents in. */
export interface DocumentOptions {
  engine: Engine;
  features: Feature[];
  project: string;
  priority?: number;
  force?: boolean;
}

/** Adds the options that say how documents are processed. */
export function withDocumentOptions(command: Command): Command {
  return command
    .addOption(new Option("--engine <engine>", "who reads the documents").choices(engines).default("textract"))
    .option("--features <names>", `what Textract is asked for beyond text: ${features.join(", ")}`, parseFeatures, [])
    .option("--project <slug>", "project of the documents; made when it does not exist", parseProject, defaultProject)
    .option("--priority <1-5>", "1 is first, 5 is last (default: 3)", parsePriority)
    .option("--force", "start a new attempt, paid again, also for documents that are complete");
}

/** What handing in needs of the options. */
export function handInOptions(options: DocumentOptions): HandInOptions {
  const { engine, project, priority } = options;
  return { engine, features: options.features, project, priority, force: options.force ?? false };
}

function parseFeatures(value: string): Feature[] {
  const names = value.split(",").map((name) => name.trim().toUpperCase());
  for (const name of names) {
    if (!features.includes(name as Feature)) {
      throw new InvalidArgumentError(`${name} is no feature; known: ${features.join(", ")}.`);
    }
  }
  return [...new Set(names)].sort() as Feature[];
}

/** A project's slug, as the contract has it. */
export function parseProject(value: string): string {
  if (/^[a-z0-9][a-z0-9-]{0,62}$/.test(value)) return value;
  throw new InvalidArgumentError("A project is named by lower-case letters, digits and hyphens, at most 63.");
}

function parsePriority(value: string): number {
  if (/^[1-5]$/.test(value)) return Number(value);
  throw new InvalidArgumentError("A priority is a whole number from 1 (first) to 5 (last).");
}
