import { extname } from "node:path";
import { parsePrefixAddress } from "./object-address.ts";

/** Where a batch's documents come from. */
export type BatchSource =
  | { kind: "prefix"; bucket: string; prefix: string }
  | { kind: "manifest"; file: string }
  | { kind: "files"; paths: string[] };

/** What the arguments of `docket batch` name: an S3 prefix, a manifest by its extension, or files and folders. */
export function batchSourceOf(source: string): BatchSource {
  if (/^s3:\/\//i.test(source)) return { kind: "prefix", ...parsePrefixAddress(source) };
  if ([".csv", ".jsonl", ".ndjson"].includes(extname(source).toLowerCase())) return { kind: "manifest", file: source };
  return { kind: "files", paths: [source] };
}
