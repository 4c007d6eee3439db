import { type Command, InvalidArgumentError, Option } from "commander";
import type { HandInOptions } from "../client/hand-in-document.ts";
import { defaultProject } from "../contract/document-id.ts";
import { DocketError } from "../contract/failures.ts";
import {
  type Feature,
  type FeatureType,
  featuresOf,
  featureTypes,
  mostQueries,
  type Query,
} from "../contract/features.ts";
import { type Engine, engines } from "../contract/process-document.ts";

/** Options of the commands that hand documents in. */
export interface DocumentOptions {
  engine: Engine;
  features: FeatureType[];
  query: Query[];
  project: string;
  priority?: number;
  force?: boolean;
}

/** Adds the options that say how documents are processed. */
export function withDocumentOptions(command: Command): Command {
  return command
    .addOption(new Option("--engine <engine>", "who reads the documents").choices(engines).default("textract"))
    .option(
      "--features <names>",
      `what Textract is asked for beyond text: ${featureTypes.join(", ")}`,
      parseFeatures,
      [],
    )
    .option("--query <question>", "asked of every page; ALIAS=QUESTION names the answer; again for more", addQuery, [])
    .option("--project <slug>", "project of the documents; made when it does not exist", parseProject, defaultProject)
    .option("--priority <1-5>", "1 is first, 5 is last (default: 3)", parsePriority)
    .option("--force", "start a new attempt, paid again, also for documents that are complete");
}

/** What handing in needs of the options. */
export function handInOptions(options: DocumentOptions): HandInOptions {
  const { engine, project, priority } = options;
  return { engine, features: askedFeatures(options), project, priority, force: options.force ?? false };
}

/**
 * Features and questions as one list.
 * @throws {DocketError} `InvalidInput` for QUERIES without a question
 */
export function askedFeatures({ features, query }: Pick<DocumentOptions, "features" | "query">): Feature[] {
  if (features.includes("QUERIES") && query.length === 0) {
    throw new DocketError("InvalidInput", "QUERIES needs a question.", { remedy: 'Add --query "What is the total?".' });
  }
  return featuresOf(features, query);
}

function addQuery(value: string, previous: Query[]): Query[] {
  const [, alias, named] = /^([A-Za-z0-9_.-]{1,100})=(.*)$/s.exec(value) ?? [];
  const text = (named ?? value).trim();
  if (!/^[\x20-\x7e]{1,200}$/.test(text)) {
    throw new InvalidArgumentError("A question is 1 to 200 printable ASCII characters; Textract takes no others.");
  }
  if (previous.length === mostQueries)
    throw new InvalidArgumentError(`Textract takes ${mostQueries} questions a page.`);
  return [...previous, alias === undefined ? { text } : { text, alias }];
}

function parseFeatures(value: string): FeatureType[] {
  const names = value.split(",").map((name) => name.trim().toUpperCase());
  for (const name of names) {
    if (!featureTypes.includes(name as FeatureType)) {
      throw new InvalidArgumentError(`${name} is no feature; known: ${featureTypes.join(", ")}.`);
    }
  }
  return [...new Set(names)].sort() as FeatureType[];
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
