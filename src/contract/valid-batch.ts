import { z } from "zod";
import { defaultProject } from "./document-id.ts";
import { DocketError } from "./failures.ts";
import { plainWords, problemsOf } from "./plain-words.ts";
import { defaultWindow, largestWindow, type ProcessBatchInput } from "./process-batch.ts";
import { engines, features } from "./process-document.ts";

const inputSchema = z.strictObject({
  batchId: z.uuid().optional(),
  source: z.strictObject({ bucket: z.string().min(3).max(255), prefix: z.string().max(1024) }).optional(),
  project: z
    .string()
    .regex(/^[a-z0-9][a-z0-9-]{0,62}$/, "must be lower-case letters, digits and hyphens, at most 63")
    .default(defaultProject),
  engine: z.enum(engines as [string, ...string[]]).default("textract"),
  features: z.array(z.enum(features as [string, ...string[]])).default([]),
  priority: z.number().int().min(1).max(5).default(3),
  window: z.number().int().min(1).max(largestWindow).default(defaultWindow),
  force: z.boolean().default(false),
  onlyNew: z.boolean().default(false),
});

/** The batch's input with every default filled in. */
export type ValidBatch = Required<Omit<ProcessBatchInput, "batchId" | "source" | "resumed">> &
  Pick<ProcessBatchInput, "batchId" | "source">;

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
  const valid = parsed.data as ValidBatch;
  return { ...valid, features: [...new Set(valid.features)].sort() };
}
