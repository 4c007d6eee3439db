import { Client, Connection } from "@temporalio/client";
import type { TemporalConnection } from "../config/temporal-connection.ts";
import { type Config, loadConfig } from "../config.ts";
import { DocketError } from "../contract/failures.ts";
import { createDatabase, type Database } from "../database/client.ts";
import { dataConverterOf } from "../payloads/data-converter.ts";
import { createObjectStorage } from "../storage/create-object-storage.ts";
import type { ObjectStorage } from "../storage/object-storage.ts";
import { startTracing } from "../telemetry/tracing.ts";
import type { Tracing } from "../telemetry/tracing-parts.ts";
import { temporalRefusal } from "./temporal-refusal.ts";

/** Connections to everything that handing in and reading back needs. */
export interface Services {
  config: Config;
  database: Database;
  storage: ObjectStorage;
  temporal: Client;
  close(): Promise<void>;
}

/**
 * Connects to the services that the environment names. Temporal is connected to now; PostgreSQL and S3 answer, or
 * don't, at the first use.
 * @throws {DocketError} `InvalidInput` for settings that are wrong, `TemporalUnavailable`
 */
export async function connectServices(environment: NodeJS.ProcessEnv): Promise<Services> {
  const config = loadConfig(environment);
  const tracing = await startTracing(environment, "docket-client");
  const temporal = await connectTemporal(config.temporal, tracing);
  const database = createDatabase(config.database);
  const storage = createObjectStorage({ ...config.storage, credentialsOf: "this command" });
  return {
    config,
    database,
    storage,
    temporal,
    async close() {
      storage.close();
      await Promise.allSettled([database.$disconnect(), temporal.connection.close(), tracing?.stop()]);
    },
  };
}

/**
 * @throws {DocketError} `TemporalUnavailable` when the server does not answer within five seconds, `InvalidInput` when it
 *   refuses the credentials
 */
export async function connectTemporal(
  { namespace, payloadKeys, ...server }: TemporalConnection,
  tracing: Tracing | null = null,
): Promise<Client> {
  try {
    const connection = await Connection.connect({ ...server, connectTimeout: 5000 });
    return new Client({
      connection,
      namespace,
      dataConverter: dataConverterOf(payloadKeys),
      interceptors: { workflow: tracing === null ? [] : [tracing.client] },
    });
  } catch (cause) {
    const refusal = temporalRefusal(cause);
    if (refusal !== null) throw refusal;
    const reason = (cause as Error).message;
    throw new DocketError("TemporalUnavailable", `Temporal at ${server.address} does not answer: ${reason}`, {
      cause,
    });
  }
}
