import type { Client } from "@temporalio/client";
import proto from "@temporalio/proto";
import { connectTemporal } from "../../client/connect.ts";
import { type AccountSettings, type Config, loadConfig } from "../../config.ts";
import { DocketError } from "../../contract/failures.ts";
import { searchAttributeNames, taskQueues } from "../../contract/process-document.ts";
import { pendingMigrations } from "../../database/migrate.ts";
import { isAwsEndpoint } from "../../textract/quotas.ts";
import { createTextractApis, requireCredentials } from "../../textract/textract-api.ts";
import { textractReachability } from "../../textract/textract-reachability.ts";
import { withoutPassword } from "../run/closing-words.ts";
import { bucketChecks, credentialsCheck, quotasCheck } from "./account-checks.ts";
import { type Check, checked, failed, ok, warning } from "./check.ts";

/**
 * What the settings name: PostgreSQL, Temporal, credentials, S3, Textract and its quotas, each looked at by itself and
 * side by side.
 */
export async function serviceChecks(environment: NodeJS.ProcessEnv): Promise<Check[]> {
  let config: Config;
  try {
    config = loadConfig(environment);
  } catch (error) {
    return [await checked("settings", () => Promise.reject(error))];
  }
  const { database, temporal } = config;
  const usesAws = isAwsEndpoint(config.storage.endpoint) || isAwsEndpoint(config.textract.endpoint);
  const groups = await Promise.all([
    databaseChecks(database),
    temporalChecks(temporal),
    credentialsCheck(config.storage.region, usesAws).then((check) => [check]),
    bucketChecks(config),
    textractChecks(config, database),
  ]);
  return [ok("settings", "complete"), ...groups.flat()];
}

/**
 * PostgreSQL and its migrations.
 * @param migrates whether the command that is to use it applies what is missing
 */
export async function databaseChecks({ url }: Config["database"], migrates = false): Promise<Check[]> {
  return [
    await checked("PostgreSQL", async () => {
      const pending = await pendingMigrations(url);
      const address = withoutPassword(url);
      if (pending.length === 0) return ok("PostgreSQL", `${address}, migrations up to date`);
      if (migrates) {
        const count = `${pending.length} ${pending.length === 1 ? "migration" : "migrations"}`;
        return ok("PostgreSQL", `${address}; \`docket run\` and \`docket up\` apply ${count} first`);
      }
      return failed(
        "PostgreSQL",
        `${address} lacks ${pending.join(", ")}`,
        "Apply the migrations: `docket setup` does, or `npx prisma migrate deploy`.",
      );
    }),
  ];
}

/** Temporal, its namespace and search attributes, and whether workers serve its queues. */
export async function temporalChecks(temporal: Config["temporal"]): Promise<Check[]> {
  let client: Client;
  try {
    client = await connectTemporal(temporal);
  } catch (error) {
    return [await checked("Temporal", () => Promise.reject(error))];
  }
  try {
    const { address, namespace } = temporal;
    const reachable = await checked("Temporal", async () => {
      await client.workflowService.describeNamespace({ namespace });
      return ok("Temporal", `${address}, namespace ${namespace}`);
    });
    if (reachable.status !== "ok") return [reachable];
    return [
      reachable,
      await checked("search attributes", () => searchAttributeCheck(client, namespace)),
      await checked("workers", () => workerCheck(client, namespace)),
    ];
  } finally {
    await client.connection.close();
  }
}

async function searchAttributeCheck(client: Client, namespace: string): Promise<Check> {
  let customAttributes: object | null | undefined;
  try {
    ({ customAttributes } = await client.connection.operatorService.listSearchAttributes({ namespace }));
  } catch (error) {
    const { code = 0, details = "" } = error as { code?: number; details?: string };
    if (!notForUs.has(code)) throw error;
    return warning(
      "search attributes",
      `whether they are registered cannot be looked at: ${details}`,
      `See to it that ${namespace} has ${searchAttributesByType()}: \`docket setup\` registers them where its ` +
        "credentials may, Temporal Cloud's console or `tcld` otherwise.",
    );
  }
  const missing = Object.values(searchAttributeNames).filter(
    (name) => !customAttributes || !(name in customAttributes),
  );
  if (missing.length === 0) return ok("search attributes", "registered");
  const arguments_ = missing.map((name) => {
    const type = name === searchAttributeNames.pages ? "Int" : "Keyword";
    return `--name ${name} --type ${type}`;
  });
  return failed(
    "search attributes",
    `${missing.join(", ")} not registered in namespace ${namespace}`,
    "`docket setup` registers them; or do it yourself: " +
      `temporal operator search-attribute create --namespace ${namespace} ${arguments_.join(" ")}`,
  );
}

// gRPC: permission denied, unimplemented. Who may hand in need not be allowed to look at search attributes.
const notForUs = new Set([7, 12]);

function searchAttributesByType(): string {
  const { pages, ...keywords } = searchAttributeNames;
  return `${Object.values(keywords).join(", ")} (Keyword) and ${pages} (Int)`;
}

/** A queue without a worker is where work waits unnoticed. */
async function workerCheck(client: Client, namespace: string): Promise<Check> {
  const served = await Promise.all(
    Object.values(taskQueues).map(async (queue) => {
      const { pollers } = await client.workflowService.describeTaskQueue({
        namespace,
        taskQueue: { name: queue },
        // The documents queue has workflow workers too; activities are what every queue has.
        taskQueueType: proto.temporal.api.enums.v1.TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY,
      });
      return { queue, count: pollers?.length ?? 0 };
    }),
  );
  const without = served.filter(({ count }) => count === 0).map(({ queue }) => queue);
  if (without.length === 0) return ok("workers", "every task queue is served");
  // Recognition has a process of its own; see `docket worker --help`.
  const commands = [without.filter((queue) => queue !== "ocr"), without.filter((queue) => queue === "ocr")]
    .filter((queues) => queues.length > 0)
    .map((queues) => `docket worker --queues ${queues.join(",")}`);
  return warning(
    "workers",
    `no worker serves ${without.join(", ")}: work waits there`,
    `Start workers: ${commands.join(" and ")}`,
  );
}

/**
 * Textract, whether it takes the credentials, and its quotas.
 * @param database that knows what is in use; null: none is named
 */
export async function textractChecks(config: AccountSettings, database: Config["database"] | null): Promise<Check[]> {
  const { region } = config.storage;
  const place = config.textract.endpoint ?? `Amazon Textract in ${region}`;
  return [
    await checked("Textract", async () => {
      const unreachable = await textractReachability(config.textract)(region);
      if (unreachable !== null) throw new DocketError(unreachable.type, unreachable.message, unreachable);
      const apis = createTextractApis(config.textract);
      try {
        await requireCredentials(apis.inRegion(region));
      } finally {
        apis.close();
      }
      return ok("Textract", `${place} answers, the credentials are accepted`);
    }),
    await checked("quotas", () => quotasCheck(config, database)),
  ];
}
