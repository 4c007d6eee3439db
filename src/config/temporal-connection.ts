import { loadClientConnectConfig } from "@temporalio/envconfig";
import { DocketError } from "../contract/failures.ts";
import { loadPayloadKeys, type PayloadKey } from "./payload-keys.ts";

/**
 * How Temporal is reached: host:port and namespace, TLS, client certificate or API key where they are set, and the keys that
 * payloads are encrypted with.
 */
export type TemporalConnection = Pick<
  ReturnType<typeof loadClientConnectConfig>["connectionOptions"],
  "tls" | "apiKey" | "metadata"
> & { address: string; namespace: string; payloadKeys: readonly PayloadKey[] };

const defaults = { address: "127.0.0.1:7233", namespace: "default" };

/**
 * Reads Temporal's standard configuration: the variables `TEMPORAL_*`, and a profile of `temporal.toml` where
 * `TEMPORAL_PROFILE` or `TEMPORAL_CONFIG_FILE` names one. A file in its usual place is not read by itself: it lies
 * around on many machines, and documents are handed in nowhere by accident.
 * @throws {DocketError} `InvalidInput` for a profile that does not exist, certificates that cannot be read, or wrong keys
 */
export function loadTemporalConnection(environment: NodeJS.ProcessEnv): TemporalConnection {
  const variables = Object.fromEntries(
    Object.entries(environment).filter((entry): entry is [string, string] => Boolean(entry[1])),
  );
  const payloadKeys = loadPayloadKeys(environment);
  const named = variables["TEMPORAL_PROFILE"] ?? variables["TEMPORAL_CONFIG_FILE"];
  try {
    const { connectionOptions, namespace } = loadClientConnectConfig({
      overrideEnvVars: variables,
      disableFile: named === undefined,
    });
    const { address = defaults.address, tls, apiKey, metadata } = connectionOptions;
    return {
      address,
      namespace: namespace ?? defaults.namespace,
      payloadKeys,
      ...(tls === undefined ? {} : { tls }),
      ...(apiKey === undefined ? {} : { apiKey }),
      ...(metadata === undefined ? {} : { metadata }),
    };
  } catch (cause) {
    throw new DocketError("InvalidInput", `Temporal's settings are not complete: ${(cause as Error).message}`, {
      remedy: "Correct the TEMPORAL_* variables or the profile in temporal.toml (docs/configuration.md).",
      cause,
    });
  }
}
