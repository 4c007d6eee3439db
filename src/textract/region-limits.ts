import type { Config, RegionSetting } from "../config.ts";
import { isAwsEndpoint, quotasOf, type RatedOperation, type RegionQuotas } from "./quotas.ts";

/** Where the limits of a region come from, when no setting names them. */
export type LimitSource = "service quotas" | "default quotas" | "no limit";

/** What one region may be asked, over all workers; infinite where nothing limits it. */
export interface RegionLimits extends RegionQuotas {
  source: LimitSource;
  /** The limits that settings name. */
  configured: (RatedOperation | "concurrentJobs")[];
}

/**
 * The part of a rate that is used where the rate is a quota: two requests that leave a little apart may arrive
 * together, and a request above the quota is refused.
 */
const usedPart = 0.9;

const rememberMilliseconds = 3600_000;
const retryMilliseconds = 600_000;

/**
 * Makes a function that tells a region's limits: settings first, then the account's own quotas by Service Quotas where
 * AWS is asked, then the default ones of the data file. The account's are read again every hour, so that a raised
 * quota is used without a restart.
 * @param options.readQuotas reads the account's quotas; may fail
 * @param options.log told once for each region that the account's quotas could not be read
 */
export function createRegionLimits(options: {
  settings: Pick<Config["textract"], "endpoint" | "startPerSecond" | "getPerSecond" | "jobs">;
  readQuotas(region: string): Promise<Partial<RegionQuotas>>;
  log(message: string): void;
}): (region: string) => Promise<RegionLimits> {
  const { settings } = options;
  const known = new Map<string, { until: number; quotas: Promise<Quotas> }>();
  const aws = isAwsEndpoint(settings.endpoint);

  return async (region) => {
    const configured = configuredLimits(settings, region);
    const names = Object.keys(configured) as (keyof RegionQuotas)[];
    // All that would be asked for is set: nothing has to be read.
    if (!aws || names.length === limitNames.length) {
      return { ...unlimited, ...configured, source: "no limit", configured: names };
    }
    const { quotas, source } = await quotasIn(region);
    return { ...withMargin(quotas), ...configured, source, configured: names };
  };

  function quotasIn(region: string): Promise<Quotas> {
    const entry = known.get(region);
    if (entry !== undefined && Date.now() < entry.until) return entry.quotas;
    const fresh = { until: Date.now() + rememberMilliseconds, quotas: read(region, entry !== undefined) };
    known.set(region, fresh);
    return fresh.quotas;
  }

  async function read(region: string, again: boolean): Promise<Quotas> {
    try {
      const quotas = await options.readQuotas(region);
      return { quotas: { ...quotasOf(region), ...quotas }, source: "service quotas" };
    } catch (error) {
      const why = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
      const entry = known.get(region);
      if (entry !== undefined) entry.until = Date.now() + retryMilliseconds;
      if (!again) options.log(`Quotas of Textract in ${region} could not be read, the default ones are used (${why})`);
      return { quotas: quotasOf(region), source: "default quotas" };
    }
  }
}

interface Quotas {
  quotas: RegionQuotas;
  source: LimitSource;
}

const limitNames = ["startText", "getText", "startAnalysis", "getAnalysis", "concurrentJobs"] as const;
const unlimited = Object.fromEntries(limitNames.map((name) => [name, Number.POSITIVE_INFINITY])) as RegionQuotas;

function configuredLimits(
  settings: Pick<Config["textract"], "startPerSecond" | "getPerSecond" | "jobs">,
  region: string,
): Partial<RegionQuotas> {
  const limitIn = (setting: RegionSetting | undefined) => setting?.regions[region] ?? setting?.every;
  const start = limitIn(settings.startPerSecond);
  const get = limitIn(settings.getPerSecond);
  const jobs = limitIn(settings.jobs);
  return {
    ...(start === undefined ? {} : { startText: start, startAnalysis: start }),
    ...(get === undefined ? {} : { getText: get, getAnalysis: get }),
    ...(jobs === undefined ? {} : { concurrentJobs: Math.max(1, Math.floor(jobs)) }),
  };
}

function withMargin(quotas: RegionQuotas): RegionQuotas {
  const scaled = Object.entries(quotas).map(([name, value]) => [
    name,
    name === "concurrentJobs" ? value : value * usedPart,
  ]);
  return Object.fromEntries(scaled);
}
