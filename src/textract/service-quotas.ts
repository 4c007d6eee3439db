import {
  ListServiceQuotasCommand,
  type ServiceQuota,
  ServiceQuotasClient,
  type ServiceQuotasClientConfig,
} from "@aws-sdk/client-service-quotas";
import type { RatedOperation, RegionQuotas } from "./quotas.ts";

const operationNames: Record<RatedOperation, string> = {
  startText: "StartDocumentTextDetection",
  getText: "GetDocumentTextDetection",
  startAnalysis: "StartDocumentAnalysis",
  getAnalysis: "GetDocumentAnalysis",
};

/** Textract has some sixty quotas; more pages than this are not Textract's. */
const mostPages = 20;

/**
 * The account's own quotas of Textract in a region, as Service Quotas names them (`servicequotas:ListServiceQuotas`).
 * A quota that it does not name is left out.
 * @throws the SDK's error when Service Quotas refuses or does not answer in 5 seconds
 */
export async function readServiceQuotas(
  region: string,
  config: ServiceQuotasClientConfig = {},
): Promise<Partial<RegionQuotas>> {
  const requestHandler = {
    connectionTimeout: 3000,
    requestTimeout: 5000,
    throwOnRequestTimeout: true,
    // Of the answer's body.
    socketTimeout: 5000,
  };
  const client = new ServiceQuotasClient({ region, maxAttempts: 1, requestHandler, ...config });
  try {
    const found: ServiceQuota[] = [];
    let NextToken: string | undefined;
    for (let page = 0; page < mostPages; page++) {
      const answer = await client.send(new ListServiceQuotasCommand({ ServiceCode: "textract", NextToken }));
      found.push(...(answer.Quotas ?? []));
      NextToken = answer.NextToken;
      if (NextToken === undefined) break;
    }
    return quotasByName(found);
  } finally {
    client.destroy();
  }
}

/** Picks the quotas out of a list by their names: AWS gives them codes, which it documents nowhere. */
export function quotasByName(list: readonly Pick<ServiceQuota, "QuotaName" | "Value">[]): Partial<RegionQuotas> {
  const positive = list.flatMap(({ QuotaName, Value }) =>
    QuotaName !== undefined && Value !== undefined && Value > 0 ? [{ name: QuotaName, value: Value }] : [],
  );
  const quotas: Partial<RegionQuotas> = {};
  for (const [operation, name] of Object.entries(operationNames) as [RatedOperation, string][]) {
    const word = new RegExp(`\\b${name}\\b`);
    const rate = positive.find((quota) => word.test(quota.name) && /per second/i.test(quota.name));
    if (rate !== undefined) quotas[operation] = rate.value;
  }
  // One for all jobs, or one for each kind: the smallest holds for both.
  const jobs = positive.filter(
    ({ name }) => /jobs/i.test(name) && /(simultaneous|concurrent)/i.test(name) && concernsDocuments(name),
  );
  if (jobs.length > 0) quotas.concurrentJobs = Math.min(...jobs.map(({ value }) => value));
  return quotas;
}

/** Whether a quota of jobs is of ours: lending, expenses, adapters and insights have their own. */
function concernsDocuments(name: string): boolean {
  const names = Object.values(operationNames).some((operation) => name.includes(operation));
  return names || /asynchronous jobs/i.test(name);
}
