import { readFileSync } from "node:fs";
import { type Feature, type FeatureType, splitFeatures } from "../contract/features.ts";

interface Prices {
  text: number;
  features: Record<FeatureType, number>;
}

// A data file beside the code, so that whoever has other prices edits one place.
const prices: Prices = JSON.parse(readFileSync(new URL("../../data/textract-prices.json", import.meta.url), "utf8"));

/**
 * What Textract charges for a job, US dollars: pages times the price of text detection, or of the features together.
 * @param pages pages that Textract reports as processed
 */
export function costOfJob(pages: number, features: readonly Feature[]): number {
  // Questions cost nothing each: the feature QUERIES has the price.
  const { features: types } = splitFeatures(features);
  const perPage = types.length === 0 ? prices.text : types.reduce((sum, name) => sum + prices.features[name], 0);
  return Math.round(pages * perPage * 1_000_000) / 1_000_000;
}
