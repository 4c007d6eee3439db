import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, it } from "vitest";
import { loadConfig } from "#docket/config";
import { createRegionLimits } from "#docket/textract/region-limits";
import { quotasByName, readServiceQuotas } from "#docket/textract/service-quotas";

const needed = { DATABASE_URL: "postgresql://localhost/docket", DOCKET_BUCKET: "docket" };

function limits(environment: Record<string, string>, readQuotas: () => Promise<object>) {
  const said: string[] = [];
  const limitsOf = createRegionLimits({
    settings: loadConfig({ ...needed, ...environment }).textract,
    readQuotas,
    log: (message) => said.push(message),
  });
  return { limitsOf, said };
}
const refused = () => Promise.reject(new Error("not authorized"));
const endpoint = { AWS_ENDPOINT_URL_TEXTRACT: "http://127.0.0.1:1" };

it("an endpoint that is not AWS has no limit, and nobody's quotas are read for it", async () => {
  const { limitsOf, said } = limits(endpoint, refused);
  expect(await limitsOf("us-east-1")).toMatchObject({
    startText: Number.POSITIVE_INFINITY,
    getAnalysis: Number.POSITIVE_INFINITY,
    concurrentJobs: Number.POSITIVE_INFINITY,
    source: "no limit",
  });
  expect(said).toEqual([]);
});

it("settings hold for every region or for the ones that they name, and are used as they are", async () => {
  const { limitsOf } = limits(
    {
      ...endpoint,
      DOCKET_TEXTRACT_START_PER_SECOND: "us-east-1=15,eu-west-1=0.5",
      DOCKET_TEXTRACT_GET_PER_SECOND: "8",
      DOCKET_TEXTRACT_JOBS: "eu-west-1=20",
    },
    refused,
  );
  expect(await limitsOf("us-east-1")).toMatchObject({ startText: 15, startAnalysis: 15, getText: 8 });
  expect(await limitsOf("eu-west-1")).toMatchObject({ startText: 0.5, getText: 8, concurrentJobs: 20 });
  expect((await limitsOf("us-east-1")).concurrentJobs).toBe(Number.POSITIVE_INFINITY);
});

it("a setting that is no number is named", () => {
  for (const value of ["fast", "0", "us-east-1=", "us-east-1=0", "us-east-1=5;eu-west-1=5", "-1"]) {
    expect(() => loadConfig({ ...needed, DOCKET_TEXTRACT_START_PER_SECOND: value })).toThrow(
      /DOCKET_TEXTRACT_START_PER_SECOND/,
    );
  }
});

it("on AWS the account's quotas are used to nine tenths, the jobs whole", async () => {
  const { limitsOf } = limits({}, () => Promise.resolve({ startText: 50, concurrentJobs: 700 }));
  const found = await limitsOf("us-east-1");
  expect(found).toMatchObject({ startText: 45, concurrentJobs: 700, source: "service quotas" });
  // What Service Quotas does not name is the default.
  expect(found.getText).toBeCloseTo(25 * 0.9);
});

it("where they may not be read the default ones are used, and it is said once", async () => {
  const { limitsOf, said } = limits({}, refused);
  expect(await limitsOf("eu-west-1")).toMatchObject({ startText: 4.5, source: "default quotas", concurrentJobs: 100 });
  await limitsOf("eu-west-1");
  expect(said).toHaveLength(1);
  expect(said[0]).toMatch(/eu-west-1.*not authorized/);
});

const names = [
  { QuotaName: "DetectDocumentText throttle limit in transactions per second", Value: 99 },
  { QuotaName: "Transactions per second per account for StartDocumentTextDetection", Value: 20 },
  { QuotaName: "GetDocumentTextDetection throttle limit in transactions per second", Value: 30 },
  { QuotaName: "Maximum number of asynchronous jobs per account that can simultaneously exist", Value: 250 },
  { QuotaName: "Maximum number of concurrent lending jobs", Value: 1 },
];

it("quotas are found by their names, in any of AWS' wordings", () => {
  expect(quotasByName(names)).toEqual({ startText: 20, getText: 30, concurrentJobs: 250 });
});

it("all pages of Service Quotas are read, through the SDK; a server that refuses is an error", async () => {
  let asked = 0;
  const server = createServer((request, response) => {
    let body = "";
    request.on("data", (chunk) => {
      body += chunk;
    });
    request.on("end", () => {
      const { ServiceCode, NextToken } = JSON.parse(body);
      const known = request.headers["x-amz-target"] === "ServiceQuotasV20190624.ListServiceQuotas";
      if (!known || ServiceCode !== "textract" || asked >= 2) {
        response.writeHead(400, { "content-type": "application/x-amz-json-1.1" });
        response.end(JSON.stringify({ __type: "AccessDeniedException", Message: "not authorized" }));
        return;
      }
      asked++;
      const answer = NextToken ? { Quotas: names.slice(2) } : { Quotas: names.slice(0, 2), NextToken: "more" };
      response.writeHead(200, { "content-type": "application/x-amz-json-1.1" }).end(JSON.stringify(answer));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const config = {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    credentials: { accessKeyId: "a", secretAccessKey: "b" },
  };
  expect(await readServiceQuotas("us-east-1", config)).toEqual({ startText: 20, getText: 30, concurrentJobs: 250 });
  expect(asked).toBe(2);
  await expect(readServiceQuotas("us-east-1", config)).rejects.toMatchObject({ name: "AccessDeniedException" });
  server.close();
});
