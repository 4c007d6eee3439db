import type { RefusedFile } from "../../client/find-documents.ts";
import { DocketError } from "../../contract/failures.ts";
import type { NamedObject } from "./hand-in-items.ts";

const oneObject = "Write s3://bucket/key, the key of one object.";

/** Whether an argument names an S3 object rather than a path. */
export function isObjectAddress(argument: string): boolean {
  return /^s3:\/\//i.test(argument);
}

/**
 * `s3://bucket/key` as a location. The key is taken as it stands: nothing in it is decoded.
 * @throws {DocketError} `InvalidInput`
 */
export function parseObjectAddress(argument: string): NamedObject {
  const match = /^s3:\/\/([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])\/(.*)$/is.exec(argument);
  const [, bucket, key] = match ?? [];
  if (bucket === undefined || key === undefined || key === "" || key.endsWith("/")) {
    throw new DocketError("InvalidInput", `${argument} names no S3 object.`, {
      remedy: oneObject,
    });
  }
  return { file: argument, location: { bucket, key } };
}

/**
 * `s3://bucket/prefix` as a place; the prefix may be empty.
 * @throws {DocketError} `InvalidInput`
 */
export function parsePrefixAddress(argument: string): { bucket: string; prefix: string } {
  const [, bucket, prefix = ""] = /^s3:\/\/([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:\/(.*))?$/is.exec(argument) ?? [];
  if (bucket !== undefined) return { bucket, prefix };
  throw new DocketError("InvalidInput", `${argument} names no S3 prefix.`, { remedy: "Write s3://bucket/prefix/." });
}

/**
 * Addresses of objects; one that names no object is refused, and keeps the others not back.
 * @param others whether there is something else to hand in
 * @throws {DocketError} `InvalidInput` when there is nothing but wrong addresses
 */
export function parseObjectAddresses(
  named: readonly string[],
  others: boolean,
): { objects: NamedObject[]; refused: RefusedFile[] } {
  const objects: NamedObject[] = [];
  const refused: RefusedFile[] = [];
  for (const file of named) {
    try {
      objects.push(parseObjectAddress(file));
    } catch (error) {
      if (!(error instanceof DocketError)) throw error;
      refused.push({ file, failure: error.toFailure() });
    }
  }
  if (objects.length === 0 && refused.length > 0 && !others) {
    throw new DocketError("InvalidInput", refused.map(({ failure }) => failure.message).join(" "), {
      remedy: oneObject,
    });
  }
  return { objects, refused };
}
