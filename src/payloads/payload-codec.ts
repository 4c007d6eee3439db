import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";
import type { Payload, PayloadCodec } from "@temporalio/common";
import proto from "@temporalio/proto";
import type { PayloadKey } from "../config/payload-keys.ts";
import { DocketError } from "../contract/failures.ts";

const { Payload: PayloadMessage } = proto.temporal.api.common.v1;

const algorithm = "aes-256-gcm";
const encoding = Buffer.from("binary/encrypted");
const keyIdName = "encryption-key-id";
const nonceBytes = 12;
const tagBytes = 16;
const encryptedWith = "A payload is encrypted with";

/** A payload that was encrypted with a key that this process does not have, or has otherwise. */
// Temporal names the failure of an activity whose input cannot be decoded after the error's class.
class PayloadUnreadable extends DocketError {
  constructor(message: string, cause?: unknown) {
    super("PayloadUnreadable", message, { cause });
  }
}

/**
 * Encrypts what Temporal keeps, in the shape of the encryption samples of Temporal's SDKs, so that programs in other
 * languages can take part with the codec of their sample: a payload's data is nonce, ciphertext and tag of AES-256-GCM over
 * the whole payload, with the key's id in its metadata. What is not encrypted is read as it is: workflows that began
 * before there were keys.
 *
 * Without keys it encrypts nothing, and says of what it cannot read which key is missing.
 */
export class AesGcmCodec implements PayloadCodec {
  readonly #current: PayloadKey | undefined;
  readonly #keys: ReadonlyMap<string, PayloadKey>;

  /** @param keys the first encrypts, all decrypt */
  constructor(keys: readonly PayloadKey[]) {
    this.#current = keys[0];
    this.#keys = new Map(keys.map((key) => [key.id, key]));
  }

  async encode(payloads: Payload[]): Promise<Payload[]> {
    const key = this.#current;
    return key === undefined ? payloads : payloads.map((payload) => encrypt(payload, key));
  }

  /** @throws {DocketError} `PayloadUnreadable`, with the id of the key that is needed */
  async decode(payloads: Payload[]): Promise<Payload[]> {
    return payloads.map((payload) => (isEncrypted(payload) ? this.#decrypt(payload) : payload));
  }

  #decrypt({ metadata, data }: Payload): Payload {
    const id = Buffer.from(metadata?.[keyIdName] ?? []).toString("utf8");
    const key = this.#keys.get(id);
    const sealed = Buffer.from(data ?? []);
    if (key === undefined) {
      const known = [...this.#keys.keys()].join(", ") || "none";
      throw new PayloadUnreadable(`${encryptedWith} the key "${printable(id)}"; this process has: ${known}.`);
    }
    try {
      const decipher = createDecipheriv(algorithm, key.key, sealed.subarray(0, nonceBytes), {
        authTagLength: tagBytes,
      });
      decipher.setAuthTag(sealed.subarray(-tagBytes));
      const plain = [decipher.update(sealed.subarray(nonceBytes, -tagBytes)), decipher.final()];
      return PayloadMessage.decode(Buffer.concat(plain));
    } catch (cause) {
      const message = `${encryptedWith} another key than this process has as "${id}", or it was changed.`;
      throw new PayloadUnreadable(message, cause);
    }
  }
}

/** Whether an error's message is the codec's own: Temporal keeps no type of what a workflow task failed with. */
export function saysUnreadable(message: string): boolean {
  return message.startsWith(encryptedWith);
}

/** Whether a payload is one of {@link AesGcmCodec}, or of a program with the same codec. */
function isEncrypted({ metadata }: Payload): boolean {
  return encoding.equals(metadata?.["encoding"] ?? new Uint8Array());
}

function encrypt(payload: Payload, { id, key }: PayloadKey): Payload {
  const nonce = randomBytes(nonceBytes);
  const cipher = createCipheriv(algorithm, key, nonce, { authTagLength: tagBytes });
  const sealed = [nonce, cipher.update(PayloadMessage.encode(payload).finish()), cipher.final(), cipher.getAuthTag()];
  return { metadata: { encoding, [keyIdName]: Buffer.from(id) }, data: Buffer.concat(sealed) };
}

/** An id that somebody else chose, fit for a message. */
function printable(id: string): string {
  return id.replace(/[^\w.-]/g, "?").slice(0, 64);
}
