import type { Readable } from "node:stream";
import { GetObjectCommand, HeadObjectCommand } from "@aws-sdk/client-s3";
import { DocketError } from "../contract/failures.ts";
import type { DocumentLocation } from "../contract/process-document.ts";
import { type BucketAccess, objectOf } from "./bucket-access.ts";
import { describe } from "./object-names.ts";
import type { ObjectFacts, ObjectStorage } from "./object-storage.ts";

type Reading = Pick<ObjectStorage, "head" | "open" | "openStream" | "read" | "readStart" | "readWhole">;

/** How objects are read: their facts, a part, all of it, or as a stream. */
export function createReading({ clientOf, fail }: BucketAccess): Reading {
  const pinned = (etag: string | undefined) => (etag === undefined ? {} : { IfMatch: etag });

  const head = async (location: DocumentLocation) => {
    const client = await clientOf(location);
    try {
      return factsOf(await client.send(new HeadObjectCommand(objectOf(location))));
    } catch (error) {
      // A 400 to a HEAD may be expired credentials, a wrong region, an encryption: the same to a GET says which.
      const asked = statusOf(error) === 400 ? await readRange(location, 0, 1) : null;
      return asked?.facts ?? fail(error, location);
    }
  };

  const open = async (location: DocumentLocation, signal?: AbortSignal, etag?: string) => {
    const client = await clientOf(location);
    const answer = await client
      .send(new GetObjectCommand({ ...objectOf(location), ...pinned(etag) }), signal ? { abortSignal: signal } : {})
      .catch((error) => fail(error, location));
    return { facts: factsOf(answer), body: answer.Body as Readable };
  };

  /** @returns null past the object's end */
  const readRange = async (
    location: DocumentLocation,
    offset: number,
    length: number,
    etag?: string,
    abortSignal?: AbortSignal,
  ) => {
    const range = `bytes=${offset}-${offset + length - 1}`;
    const client = await clientOf(location);
    try {
      const command = new GetObjectCommand({ ...objectOf(location), ...pinned(etag), Range: range });
      const answer = await client.send(command, abortSignal ? { abortSignal } : {});
      // A server that ignores the range would hand over the whole object.
      if ((answer.ContentLength ?? 0) > length) {
        (answer.Body as Readable | undefined)?.destroy();
        throw new DocketError("StorageUnavailable", `S3 ignored the range ${range} of ${describe(location)}.`);
      }
      return { facts: factsOf(answer), bytes: (await answer.Body?.transformToByteArray()) ?? new Uint8Array(0) };
    } catch (error) {
      if (statusOf(error) === 416) return null;
      return fail(error, location);
    }
  };

  return {
    head,
    open,

    async openStream(location, signal, etag) {
      return (await open(location, signal, etag)).body;
    },

    async read(location, offset, length, etag, signal) {
      if (length <= 0) return new Uint8Array(0);
      return (await readRange(location, offset, length, etag, signal))?.bytes ?? new Uint8Array(0);
    },

    async readStart(location, length) {
      const part = await readRange(location, 0, length);
      // An empty object has no range.
      if (part === null) return { facts: await head(location), start: new Uint8Array(0) };
      return { facts: part.facts, start: part.bytes };
    },

    async readWhole(location) {
      const client = await clientOf(location);
      try {
        const answer = await client.send(new GetObjectCommand(objectOf(location)));
        return (await answer.Body?.transformToByteArray()) ?? new Uint8Array(0);
      } catch (error) {
        return fail(error, location);
      }
    },
  };
}

/** What an answer's headers say of the whole object, be it of all of it or of a range. */
function factsOf(answer: {
  ContentLength?: number | undefined;
  ContentRange?: string | undefined;
  ETag?: string | undefined;
  VersionId?: string | undefined;
  LastModified?: Date | undefined;
  Metadata?: Record<string, string> | undefined;
}): ObjectFacts {
  const whole = /\/(\d+)$/.exec(answer.ContentRange ?? "")?.[1];
  return {
    size: whole === undefined ? (answer.ContentLength ?? 0) : Number(whole),
    etag: answer.ETag ?? "",
    version: answer.VersionId,
    modifiedAt: answer.LastModified,
    metadata: answer.Metadata ?? {},
  };
}

function statusOf(error: unknown): number | undefined {
  return (error as { $metadata?: { httpStatusCode?: number } } | null)?.$metadata?.httpStatusCode;
}
