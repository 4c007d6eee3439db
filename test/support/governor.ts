import { inject } from "vitest";
import { createQuotaGovernor, type QuotaGovernor } from "#docket/activities/quota-governor";
import { loadConfig } from "#docket/config";
import type { Database } from "#docket/database/client";
import { createRegionLimits } from "#docket/textract/region-limits";

/**
 * A governor of the shared stack's database, as a worker with these settings has one.
 * @param options.call is told whom the governor calls; default: whoever is called is there
 * @param options.warn takes what the governor logs
 */
export function governorOf(
  database: Database,
  settings: Record<string, string>,
  options: { call?: (workflowId: string) => Promise<boolean>; warn?: (fields: { err: string }) => void } = {},
): QuotaGovernor {
  const limitsOf = createRegionLimits({
    settings: loadConfig({ ...inject("environment"), ...settings }).textract,
    readQuotas: () => Promise.reject(new Error("not asked for")),
    log: () => {},
  });
  const { call = async () => true, warn = () => {} } = options;
  return createQuotaGovernor({ database, limitsOf, call, logger: { warn } });
}
