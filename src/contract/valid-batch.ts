import { z } from "zod";
import { defaultProject } from "./document-id.ts";
import { DocketError } from "./failures.ts";
import type { Feature } from "./features.ts";
import { plainWords, problemsOf } from "./plain-words.ts";
import { defaultWindow, largestWindow, type ProcessBatchInput } from "./process-batch.ts";
import { engines } from "./process-document.ts";
import { featureFields, hasQuestionsForQueries, questionsMissing, withFeatureList } from "./valid-features.ts";
import { bucketName } from "./valid-input.ts";

const inputSchema = z
  .strictObject({
    batchId: z.uuid().optional(),
    source: z.strictObject({ bucket: bucketName, prefix: z.string().max(1024) }).optional(),
    project: z
      .string()
      .regex(/^[a-z0-9][a-z0-9-]{0,62}$/, "must be lower-case letters, digits and hyphens, at most 63")
      .default(defaultProject),
    engine: z.enum(engines as [string, ...string[]]).default("textract"),
    ...featureFields,
    priority: z.number().int().min(1).max(5).default(3),
    window: z.number().int().min(1).max(largestWindow).default(defaultWindow),
    force: z.boolean().default(false),
    onlyNew: z.boolean().default(false),
  })
  .refine(hasQuestionsForQueries, questionsMissing);

/** The batch's input with every default filled in, its features and questions as one list. */
export type ValidBatch = Required<Omit<ProcessBatchInput, "batchId" | "source" | "resumed" | "features" | "queries">> &
  Pick<ProcessBatchInput, "batchId" | "source"> & { features: Feature[] };

/**
 * Checks an input that any program may have written.
 * @throws {DocketError} `InvalidInput`, naming every field that is wrong
 */
export function validateBatch(input: unknown): ValidBatch {
  const parsed = inputSchema.safeParse(input, { error: plainWords });
  if (!parsed.success) {
    const problems = problemsOf(parsed.error, "the input");
    throw new DocketError("InvalidInput", `The input of processBatch is not valid: ${problems}.`);
  }
  return withFeatureList(parsed.data) as ValidBatch;
}
