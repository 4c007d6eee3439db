import { createReadStream, type ReadStream } from "node:fs";
import { dirname, extname, resolve } from "node:path";
import { parse } from "csv-parse";
import { z } from "zod";
import { DocketError } from "../contract/failures.ts";
import { plainWords, problemsOf } from "../contract/plain-words.ts";
import { customFieldsSchema } from "../contract/valid-input.ts";
import { unreadable } from "./find-documents.ts";

/** A document of a manifest: a file on disk, or an object in S3. */
export interface ManifestRow {
  /** 1-based line of the manifest. */
  line: number;
  /** Absolute path; null for an object. */
  path: string | null;
  object: { bucket: string; key: string } | null;
  project?: string;
  /** 1 (first) to 5 (last). */
  priority?: number;
  customFields: Record<string, string>;
}

/** A row that names no document, and why. */
export interface BadRow {
  line: number;
  problem: string;
}

const text = z
  .string()
  .refine((value) => !value.includes("\0") && value.isWellFormed(), "holds a character that cannot be kept");
const known = z
  .object({
    file: text.min(1).max(4096).optional(),
    key: text.min(1).max(2048).optional(),
    project: z
      .string()
      .regex(/^[a-z0-9][a-z0-9-]{0,62}$/, "must be lower-case letters, digits and hyphens, at most 63")
      .optional(),
    priority: z.coerce.number("must be a number").int().min(1).max(5).optional(),
  })
  .catchall(z.unknown())
  .refine((row) => (row.file === undefined) !== (row.key === undefined), "must name either a file or a key");

/** A line of a manifest is at most so long (characters): a file without line ends is no manifest. */
const longestRecord = 1024 * 1024;
/** What is wrong with a row, which may name what is itself far too long, is told in so many characters at most. */
const longestProblem = 500;

/**
 * Reads a manifest, row by row: CSV with a header line (`.csv`), or one JSON object a line (`.jsonl`, `.ndjson`).
 * Columns: `file` (relative to the manifest) or `key` (`s3://bucket/key`, or a key of the given bucket), `project`,
 * `priority`; every other column is a custom field.
 * @param bucket where keys without an address are
 */
export async function* readManifest(file: string, bucket: string): AsyncGenerator<ManifestRow | BadRow> {
  const folder = dirname(resolve(file));
  for await (const { line, values, problem } of records(file)) {
    yield problem === undefined ? toRow(line, values, folder, bucket) : { line, problem };
  }
}

type Parsed = { line: number; values?: unknown; problem?: string };

async function* records(file: string): AsyncGenerator<Parsed> {
  const stream = createReadStream(file);
  const failed = new Promise<never>((_, reject) => stream.once("error", reject));
  failed.catch(() => {});
  try {
    yield* extname(file).toLowerCase() === ".csv" ? csvRecords(stream) : jsonRecords(stream);
    if (stream.errored) throw stream.errored;
  } catch (error) {
    const { code } = error as { code?: string };
    // Of the file system, or of a CSV that is beyond understanding.
    if (!code?.startsWith("E") && !code?.startsWith("CSV_")) throw error;
    const { type, message } = unreadable(file, error);
    throw new DocketError(type, message, { remedy: "Correct the manifest, or its path.", cause: error });
  } finally {
    stream.destroy();
  }
}

async function* csvRecords(stream: NodeJS.ReadableStream & AsyncIterable<unknown>): AsyncGenerator<Parsed> {
  const parser = parse({
    bom: true,
    columns: (header: string[]) => header.map((name) => name.trim()),
    info: true,
    trim: true,
    skip_empty_lines: true,
    relax_column_count: true,
    max_record_size: longestRecord,
  });
  stream.on("error", (error) => parser.destroy(error));
  stream.pipe(parser);
  for await (const { record, info } of parser) {
    const { lines: line, error } = info as { lines: number; error?: Error };
    // Empty cells are left out.
    const entries = Object.entries(record as Record<string, string>).filter(([, value]) => value !== "");
    if (error !== undefined) yield { line, problem: "has not as many columns as the first line" };
    else yield { line, values: Object.fromEntries(entries) };
  }
}

async function* jsonRecords(stream: ReadStream): AsyncGenerator<Parsed> {
  let line = 0;
  for await (const content of linesOf(stream)) {
    line++;
    if (content === null) yield { line, problem: `is longer than ${longestRecord} characters` };
    else if (content.trim() !== "") yield parsed(line, content);
  }
}

function parsed(line: number, content: string): Parsed {
  try {
    return { line, values: JSON.parse(content) };
  } catch {
    return { line, problem: "is not JSON" };
  }
}

/** Lines without their ends, and null for one that is too long: no more of it than the limit is held. */
async function* linesOf(stream: ReadStream): AsyncGenerator<string | null> {
  let line: string | null = "";
  let first = true;
  for await (const chunk of stream.setEncoding("utf8") as AsyncIterable<string>) {
    // What programs of Windows begin a file with.
    const parts = (first && chunk.startsWith("\uFEFF") ? chunk.slice(1) : chunk).split("\n");
    first = false;
    for (const [index, part] of parts.entries()) {
      if (index > 0) {
        yield line;
        line = "";
      }
      if (line !== null) line = line.length + part.length > longestRecord ? null : line + part;
    }
  }
  yield line;
}

function toRow(line: number, values: unknown, folder: string, bucket: string): ManifestRow | BadRow {
  const row = known.safeParse(values, { error: plainWords });
  if (!row.success) return { line, problem: problemOf(row.error) };
  const { file, key, project, priority, ...others } = row.data;
  if ("" in others) return { line, problem: "has a value in a column without a name" };
  const customFields = customFieldsSchema.safeParse(others, { error: plainWords });
  if (!customFields.success) return { line, problem: problemOf(customFields.error) };
  const object = key === undefined ? null : locationOf(key, bucket);
  if (key !== undefined && object === null) return { line, problem: "key names no S3 object" };
  return {
    line,
    path: file === undefined ? null : resolve(folder, file),
    object,
    ...(project === undefined ? {} : { project }),
    ...(priority === undefined ? {} : { priority }),
    customFields: customFields.data,
  };
}

function problemOf(error: z.ZodError): string {
  return problemsOf(error, "the row").slice(0, longestProblem).toWellFormed();
}

function locationOf(key: string, bucket: string): { bucket: string; key: string } | null {
  // S3 has no longer keys than 1024 bytes.
  if (!/^s3:\/\//i.test(key)) return key.endsWith("/") || key.length > 1024 ? null : { bucket, key };
  const match = /^s3:\/\/([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])\/(.{0,1023}[^/])$/is.exec(key);
  return match === null ? null : { bucket: match[1] ?? "", key: match[2] ?? "" };
}
