import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { writeDurably } from "./durable-file.ts";

/** Makes and reads pagination tokens. */
export interface NextTokens {
  /** A token of 27 characters for a place in a job's blocks. */
  issue(jobId: string, offset: number): string;
  /** The place, or undefined for a token that was not issued for this job. */
  read(jobId: string, token: string): number | undefined;
}

const offsetBytes = 4;
const sealBytes = 16;

/** Tokens are sealed with a secret of the data folder, so that they outlive a restart and cannot be made up. */
export async function openNextTokens(folder: string): Promise<NextTokens> {
  const path = join(folder, "token-secret");
  let secret = await readFile(path).catch(() => undefined);
  if (secret === undefined || secret.length !== 32) {
    secret = randomBytes(32);
    await writeDurably(path, secret);
  }
  const key = secret;
  const seal = (jobId: string, offset: Buffer) =>
    createHmac("sha256", key).update(jobId).update(offset).digest().subarray(0, sealBytes);
  return {
    issue(jobId, offset) {
      const place = Buffer.alloc(offsetBytes);
      place.writeUInt32BE(offset);
      return Buffer.concat([place, seal(jobId, place)]).toString("base64url");
    },
    read(jobId, token) {
      const bytes = Buffer.from(token, "base64url");
      if (bytes.length !== offsetBytes + sealBytes) return undefined;
      const place = bytes.subarray(0, offsetBytes);
      return timingSafeEqual(seal(jobId, place), bytes.subarray(offsetBytes)) ? place.readUInt32BE() : undefined;
    },
  };
}
