/** What Textract is asked for beyond plain text, by its own names (`FeatureTypes`). */
export type FeatureType = "TABLES" | "FORMS" | "SIGNATURES" | "LAYOUT" | "QUERIES";
export const featureTypes: readonly FeatureType[] = ["TABLES", "FORMS", "SIGNATURES", "LAYOUT", "QUERIES"];

/** A question that Textract is to answer from every page. */
export interface Query {
  /** 1-200 printable ASCII characters: Textract takes no others. */
  text: string;
  /** A name for the answer: letters, digits, `_`, `.`, `-`, at most 100. */
  alias?: string | undefined;
}

/** Textract's limit for a page (set quotas, asynchronous operations); each question is asked of every page. */
export const mostQueries = 30;

/**
 * One thing that a document is read for: a feature, or one question (`QUERY text`, `QUERY[alias] text`). The sorted list
 * of them is kept with documents, attempts and batches. It is one value, so that other questions are other paid work
 * wherever two readings are compared, and an empty list is plain text detection.
 */
export type Feature = FeatureType | `QUERY ${string}` | `QUERY[${string}] ${string}`;

/** The list for features and questions; `QUERIES` is in it exactly where there are questions. */
export function featuresOf(types: readonly FeatureType[], queries: readonly Query[]): Feature[] {
  const asked = new Set<Feature>(types.filter((type) => type !== "QUERIES"));
  if (queries.length > 0) asked.add("QUERIES");
  for (const { text, alias } of queries) asked.add(alias === undefined ? `QUERY ${text}` : `QUERY[${alias}] ${text}`);
  return [...asked].sort();
}

/** Features and questions, as callers and Textract write them, out of the list. */
export function splitFeatures(features: readonly Feature[]): { features: FeatureType[]; queries: Query[] } {
  const types: FeatureType[] = [];
  const queries: Query[] = [];
  for (const feature of features) {
    const [, alias, text] = /^QUERY(?:\[([^\]]*)\])? (.*)$/s.exec(feature) ?? [];
    if (text === undefined) types.push(feature as FeatureType);
    else queries.push(alias === undefined ? { text } : { text, alias });
  }
  return { features: types, queries };
}
