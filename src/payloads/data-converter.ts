import { fileURLToPath } from "node:url";
import type { DataConverter } from "@temporalio/common";
import type { PayloadKey } from "../config/payload-keys.ts";
import { AesGcmCodec } from "./payload-codec.ts";

/**
 * How values go to Temporal and come back, for every client and worker. With keys, payloads are encrypted, and with them
 * the messages and stack traces of failures, which name documents.
 */
export function dataConverterOf(keys: readonly PayloadKey[]): DataConverter {
  const payloadCodecs = [new AesGcmCodec(keys)];
  if (keys.length === 0) return { payloadCodecs };
  return { payloadCodecs, failureConverterPath: fileURLToPath(new URL("./encoded-failures.js", import.meta.url)) };
}
