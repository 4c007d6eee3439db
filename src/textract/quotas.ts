import { readFileSync } from "node:fs";

/** The operations that have a rate of their own in each region. */
export type RatedOperation = "startText" | "getText" | "startAnalysis" | "getAnalysis";

/** Quotas of one region: requests a second of each operation, and jobs at work at once. */
export type RegionQuotas = Record<RatedOperation | "concurrentJobs", number>;

const quotas: { regions: Record<string, RegionQuotas>; other: RegionQuotas; servedRegions: string[] } = JSON.parse(
  readFileSync(new URL("../../data/textract-quotas.json", import.meta.url), "utf8"),
);

/** Regions known to have Textract; for others, whether its name resolves decides. */
export const servedRegions: ReadonlySet<string> = new Set(quotas.servedRegions);

/** The region's default quotas; the smallest ones for a region that the data file does not name. */
export function quotasOf(region: string): RegionQuotas {
  return quotas.regions[region] ?? quotas.other;
}

/** Whether an endpoint is AWS' own: only there do an account's quotas hold. */
export function isAwsEndpoint(endpoint: string | undefined): boolean {
  if (endpoint === undefined) return true;
  return /(^|\.)(amazonaws\.com|amazonaws\.com\.cn|api\.aws)$/.test(new URL(endpoint).hostname);
}
