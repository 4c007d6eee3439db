import { z } from "zod";
import { defaultProject } from "./document-id.ts";
import { DocketError } from "./failures.ts";
import type { Feature } from "./features.ts";
import { plainWords, problemsOf } from "./plain-words.ts";
import { engines, type ProcessDocumentInput } from "./process-document.ts";
import { featureFields, hasQuestionsForQueries, questionsMissing, withFeatureList } from "./valid-features.ts";

// PostgreSQL keeps neither the null character nor half a surrogate pair.
const storable = z
  .string()
  .refine((text) => !text.includes("\0") && text.isWellFormed(), "holds a character that cannot be kept");

/** A bucket as S3 and Textract take it: no address of an access point, and no part of a key. */
export const bucketName = z
  .string()
  .min(3)
  .max(255)
  .regex(/^[0-9A-Za-z._-]*$/, "must be a bucket's name: letters, digits, hyphens, dots and underscores");

/** What a document's owner wants to have kept beside it. */
export const customFieldsSchema = z
  .record(storable.min(1).max(256), storable.max(4096))
  .refine((fields) => Object.keys(fields).length <= 100, "must have at most 100 fields");

const inputSchema = z
  .strictObject({
    document: z.strictObject({
      bucket: bucketName,
      key: storable.min(1).max(1024),
      version: z.string().min(1).max(1024).optional(),
    }),
    project: z
      .string()
      .regex(/^[a-z0-9][a-z0-9-]{0,62}$/, "must be lower-case letters, digits and hyphens, at most 63")
      .default(defaultProject),
    // Object keys are made of it, and PostgreSQL writes it so.
    documentId: z.uuid().toLowerCase().optional(),
    sha256: z
      .string()
      .regex(/^[0-9a-fA-F]{64}$/, "must be a SHA-256 in hexadecimal")
      .optional(),
    etag: storable.min(1).max(1024).optional(),
    fileName: storable.min(1).max(1024).optional(),
    source: storable.min(1).max(2048).optional(),
    customFields: customFieldsSchema.default({}),
    engine: z.enum(engines as [string, ...string[]]).default("textract"),
    ...featureFields,
    priority: z.number().int().min(1).max(5).default(3),
    force: z.boolean().default(false),
  })
  .refine(hasQuestionsForQueries, questionsMissing);

/** The workflow's input with every default filled in, its features and questions as one list. */
export type ValidInput = Omit<ProcessDocumentInput, "features" | "queries"> &
  Required<Pick<ProcessDocumentInput, "project" | "customFields" | "engine" | "priority" | "force">> & {
    features: Feature[];
  };

/**
 * Checks an input that any program may have written.
 * @throws {DocketError} `InvalidInput`, naming every field that is wrong
 */
export function validateInput(input: unknown): ValidInput {
  const parsed = inputSchema.safeParse(input, { error: plainWords });
  if (!parsed.success) {
    const problems = problemsOf(parsed.error, "the input");
    throw new DocketError("InvalidInput", `The input of processDocument is not valid: ${problems}.`);
  }
  return withFeatureList(parsed.data) as ValidInput;
}
