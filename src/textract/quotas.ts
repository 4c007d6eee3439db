import { readFileSync } from "node:fs";

/** Default quotas of one region: requests a second, and jobs at work at once. */
export interface RegionQuotas {
  startText: number;
  getText: number;
  startAnalysis: number;
  getAnalysis: number;
  concurrentJobs: number;
}

const quotas: { regions: Record<string, RegionQuotas>; other: RegionQuotas; servedRegions: string[] } = JSON.parse(
  readFileSync(new URL("../../data/textract-quotas.json", import.meta.url), "utf8"),
);

/** Regions known to have Textract; for others, whether its name resolves decides. */
export const servedRegions: ReadonlySet<string> = new Set(quotas.servedRegions);

/** The region's default quotas; the smallest ones for a region that the data file does not name. */
export function quotasOf(region: string): RegionQuotas {
  return quotas.regions[region] ?? quotas.other;
}
