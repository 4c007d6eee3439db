import { createSecretKey, type KeyObject } from "node:crypto";
import { readFileSync } from "node:fs";
import { DocketError } from "../contract/failures.ts";

/** A key of the payload codec. As a `KeyObject` its bytes get into no log by accident. */
export interface PayloadKey {
  /** Goes with every payload in clear text, so that the reader knows which key it takes. */
  id: string;
  /** 256 bits, for AES-GCM. */
  key: KeyObject;
}

const mostKeys = 100;
const mostCharacters = 64 * 1024;
const remedy =
  "Each key is id=base64 of 32 bytes, as `main=$(openssl rand -base64 32)`; several are separated by commas or line " +
  "ends, the one that encrypts first (docs/operations.md).";

/**
 * Reads the keys of the payload codec from `DOCKET_PAYLOAD_KEYS`, or from the file that `DOCKET_PAYLOAD_KEYS_FILE` names.
 * The first encrypts, all of them decrypt.
 * @returns no keys where neither is set: payloads are not encrypted
 * @throws {DocketError} `InvalidInput` for anything that is not a list of keys; it tells no key
 */
export function loadPayloadKeys(environment: NodeJS.ProcessEnv): PayloadKey[] {
  const list = environment["DOCKET_PAYLOAD_KEYS"] || undefined;
  const file = environment["DOCKET_PAYLOAD_KEYS_FILE"] || undefined;
  if (list !== undefined && file !== undefined) {
    throw new DocketError("InvalidInput", "DOCKET_PAYLOAD_KEYS and DOCKET_PAYLOAD_KEYS_FILE are both set.", {
      remedy: "Set one of the two: which of them counts would be a guess.",
    });
  }
  if (file !== undefined) return parsePayloadKeys(readKeysFile(file), `The file ${file}`);
  return list === undefined ? [] : parsePayloadKeys(list, "DOCKET_PAYLOAD_KEYS");
}

function readKeysFile(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (cause) {
    const { code = "unreadable" } = cause as NodeJS.ErrnoException;
    throw new DocketError("InvalidInput", `DOCKET_PAYLOAD_KEYS_FILE cannot be read: ${file} (${code}).`, {
      remedy: "Correct the path or its permissions.",
      cause,
    });
  }
}

function parsePayloadKeys(list: string, where: string): PayloadKey[] {
  const refused = (problem: string) => new DocketError("InvalidInput", `${where} ${problem}.`, { remedy });
  if (list.length > mostCharacters) throw refused(`has more than ${mostCharacters} characters`);
  const entries = list.split(/[,\n]/).flatMap((entry) => entry.trim() || []);
  if (entries.length === 0) throw refused("holds no key");
  if (entries.length > mostKeys) throw refused(`holds more than ${mostKeys} keys`);
  const keys = new Map<string, PayloadKey>();
  for (const [index, entry] of entries.entries()) {
    // A key without its id may look like an id, for base64 ends in `=`: what is wrong is told by its place alone.
    const [, id, bytes] = /^([\w.-]{1,64})=([^=].*)$/.exec(entry) ?? [];
    if (id === undefined || bytes === undefined)
      throw refused(`has no id of letters, digits, _ . - at key ${index + 1}`);
    if (!/^[A-Za-z0-9+/]{43}=$/.test(bytes)) throw refused(`has no 32 bytes in base64 at key ${index + 1}`);
    if (keys.has(id)) throw refused(`has two keys with the id ${id}`);
    keys.set(id, { id, key: createSecretKey(bytes, "base64") });
  }
  return [...keys.values()];
}
