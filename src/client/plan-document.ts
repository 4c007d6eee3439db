import { open, stat } from "node:fs/promises";
import { checkContent } from "../activities/document-checks.ts";
import type { OcrLimits } from "../config.ts";
import { documentIdFromContent } from "../contract/document-id.ts";
import { DocketError, type Failure } from "../contract/failures.ts";
import type { Feature } from "../contract/features.ts";
import type { DocumentLocation, Engine } from "../contract/process-document.ts";
import type { Database } from "../database/client.ts";
import type { DocumentSource } from "../media/inspect-document.ts";
import { objectAddress } from "../storage/object-names.ts";
import type { ObjectStorage } from "../storage/object-storage.ts";
import { costOfJob } from "../textract/prices.ts";
import { failureOf } from "./failure-of.ts";
import { type FoundFile, unreadable } from "./find-documents.ts";
import { hashContent, hashFile } from "./hash-file.ts";

/** What handing a document in would do, without doing it. */
export interface DocumentPlan {
  name: string;
  /** `new`: it would be read; `reused`: its content is complete already; `refused`: it would fail its prerequisites. */
  status: "new" | "reused" | "refused";
  documentId: string | null;
  /** Null where they could not be counted. */
  pages: number | null;
  /** What Textract would charge, US dollars. */
  costUsd: number;
  /** What is not paid again, US dollars. */
  savedUsd: number;
  failures: Failure[];
}

export interface PlanPorts {
  engine: Engine;
  features: Feature[];
  ocrLimits: OcrLimits;
  /** For objects. */
  storage?: ObjectStorage;
  /** Where it is looked up what is complete already; without it, every document is new. */
  known?: { database: Database; project: string; force: boolean };
}

/** Documents of one plan: the second of the same content is not paid again. */
export type Seen = Set<string>;

/** Counts the pages of a file by small reads, and says what would become of it. */
export async function planFile(ports: PlanPorts, file: FoundFile, seen: Seen): Promise<DocumentPlan> {
  try {
    const { size } = await stat(file.path);
    const handle = await open(file.path);
    try {
      const source = {
        size,
        async read(offset: number, length: number) {
          const { bytesRead, buffer } = await handle.read(Buffer.alloc(length), 0, length, offset);
          return buffer.subarray(0, bytesRead);
        },
      };
      return await plan(ports, file.file, source, async () => (await hashFile(file.path)).sha256, seen);
    } finally {
      await handle.close();
    }
  } catch (error) {
    const known = error instanceof DocketError ? error.toFailure() : unreadable(file.file, error);
    return refused(file.file, [known]);
  }
}

/** The same of an object in S3; it is read whole only where it is looked up what is complete already. */
export async function planObject(
  ports: PlanPorts & { storage: ObjectStorage },
  document: DocumentLocation,
  seen: Seen,
): Promise<DocumentPlan> {
  const name = objectAddress(document);
  const { storage } = ports;
  try {
    const { size } = await storage.head(document);
    const read = (offset: number, length: number) => storage.read(document, offset, length);
    const hash = async () => (await hashContent(await storage.openStream(document))).sha256;
    return await plan(ports, name, { size, read }, hash, seen);
  } catch (error) {
    return refused(name, [failureOf(error)]);
  }
}

async function plan(
  ports: PlanPorts,
  name: string,
  source: DocumentSource,
  hash: () => Promise<string>,
  seen: Seen,
): Promise<DocumentPlan> {
  const { engine, features, ocrLimits, known } = ports;
  const { facts, failures } = await checkContent(source, name, engine, ocrLimits);
  if (facts === null || failures.length > 0) return { ...refused(name, failures), pages: facts?.pages ?? null };
  const { pages } = facts;
  const usd = engine === "local" ? 0 : costOfJob(pages, features);
  if (known === undefined) {
    return { name, status: "new", documentId: null, pages, costUsd: usd, savedUsd: 0, failures };
  }
  const documentId = documentIdFromContent(known.project, await hash());
  const again = seen.has(documentId) || (!known.force && (await isComplete(known.database, documentId, ports)));
  seen.add(documentId);
  const money = again ? { costUsd: 0, savedUsd: usd } : { costUsd: usd, savedUsd: 0 };
  return { name, status: again ? "reused" : "new", documentId, pages, ...money, failures };
}

async function isComplete(database: Database, id: string, { engine, features }: PlanPorts): Promise<boolean> {
  const rows = await database.$queryRaw<unknown[]>`
    SELECT 1 FROM documents WHERE id = ${id}::uuid AND status = 'complete' AND engine = ${engine}::engine
      AND features = ${features.toSorted()}::text[]`;
  return rows.length > 0;
}

function refused(name: string, failures: Failure[]): DocumentPlan {
  return { name, status: "refused", documentId: null, pages: null, costUsd: 0, savedUsd: 0, failures };
}
