import { z } from "zod";
import { type Feature, type FeatureType, featuresOf, featureTypes, mostQueries, type Query } from "./features.ts";

/** A question as any program may have written it. */
export const querySchema = z.strictObject({
  text: z
    .string()
    .max(200)
    .regex(/^[\x20-\x7e]*[\x21-\x7e][\x20-\x7e]*$/, "must be printable ASCII"),
  alias: z
    .string()
    .regex(/^[A-Za-z0-9_.-]{1,100}$/, "must be letters, digits, _ . - and at most 100")
    .optional(),
});

/** The fields of an input that say what Textract is asked for. */
export const featureFields = {
  features: z.array(z.enum(featureTypes as [string, ...string[]])).default([]),
  queries: z.array(querySchema).max(mostQueries).default([]),
};

/** For `refine`: the feature QUERIES says nothing without a question. */
export function hasQuestionsForQueries({ features, queries }: { features: string[]; queries: unknown[] }): boolean {
  return !features.includes("QUERIES") || queries.length > 0;
}
export const questionsMissing = { path: ["features"], message: "has QUERIES, which needs a question in queries" };

/** An input with its features and questions as one list. */
export function withFeatureList<Input extends { features: string[]; queries: Query[] }>({
  features,
  queries,
  ...input
}: Input): Omit<Input, "features" | "queries"> & { features: Feature[] } {
  return { ...input, features: featuresOf(features as FeatureType[], queries) };
}
