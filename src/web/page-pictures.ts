import { createHash } from "node:crypto";
import { lstat, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import pLimit from "p-limit";
import { DocketError } from "../contract/failures.ts";
import type { DocumentLocation } from "../contract/process-document.ts";
import type { Database } from "../database/client.ts";
import { fetchOriginal } from "../export/fetch-original.ts";
import { drawPageFile } from "../ocr/draw-page-file.ts";
import type { ObjectStorage } from "../storage/object-storage.ts";
import { makeWorkFolder } from "../storage/work-folder.ts";
import { RecentFiles } from "./recent-files.ts";

const limits = {
  /** Of the originals that are kept, and of the pictures. */
  originalBytes: 1_000_000_000,
  pictureBytes: 200_000_000,
  /** Drawings that wait for their turn; more are refused. */
  waiting: 16,
  maxPixels: 2_500_000,
  drawing: { memoryBytes: 256 * 1024 * 1024, milliseconds: 30_000 },
  /** Between two looks at which documents were deleted, and documents that are asked for at once. */
  sweepMilliseconds: 60_000,
  sweptAtOnce: 1000,
};

/** A page as a PNG file of this process, until its place is needed. */
export interface PagePicture {
  path: string;
  width: number;
  height: number;
}

/** Pictures of documents' pages. */
export interface PagePictures {
  /**
   * Draws a page of the content that the database knows, or finds it drawn. One drawing at a time, in a child process with limits of its own.
   * @throws {DocketError} `RecordMissing`; what is wrong with the document or its object; `Internal` when too many drawings wait
   */
  draw(documentId: string, page: number): Promise<PagePicture>;
  close(): Promise<void>;
}

/** A document's original as the database knows it now. */
interface Original {
  documentId: string;
  name: string;
  location: DocumentLocation;
  sha256: string | null;
  /** Another one for other content under the same id. */
  content: string;
}

/**
 * Keeps what it fetched and drew in a temporary folder of its own, which `close` removes; files of deleted documents,
 * and of content that was replaced, go before.
 */
export async function createPagePictures(
  database: Database,
  storage: ObjectStorage,
  { sweepMilliseconds = limits.sweepMilliseconds } = {},
): Promise<PagePictures> {
  let folder = await makeWorkFolder("pages");
  const originals = new RecentFiles<string>(limits.originalBytes);
  const pictures = new RecentFiles<PagePicture>(limits.pictureBytes);
  const underWay = new Map<string, Promise<PagePicture>>();
  const turn = pLimit(1);

  const forget = async (unwanted: (documentId: string, content: string) => boolean) => {
    const byKey = (key: string) => {
      const [documentId = "", content = ""] = key.split("/");
      return unwanted(documentId, content);
    };
    await originals.removeWhere(byKey);
    await pictures.removeWhere(byKey);
  };

  const look = async (documentId: string): Promise<Original> => {
    const row = await database.document.findUnique({
      where: { id: documentId },
      select: {
        bucket: true,
        key: true,
        objectVersion: true,
        metadata: { select: { fileName: true, sha256: true, etag: true } },
      },
    });
    if (row === null) {
      await forget((id) => id === documentId);
      throw new DocketError("RecordMissing", `There is no document ${documentId}.`);
    }
    const { bucket, key, objectVersion: version, metadata } = row;
    const sha256 = metadata?.sha256 ?? null;
    const known = sha256 ?? JSON.stringify([bucket, key, version, metadata?.etag]);
    const content = createHash("sha256").update(known).digest("hex").slice(0, 16);
    await forget((id, other) => id === documentId && other !== content);
    const location = { bucket, key, ...(version === null ? {} : { version }) };
    return { documentId, name: metadata?.fileName ?? key, location, sha256, content };
  };

  /** Another folder where the system has tidied ours away: under the old name anybody may have put one by now. */
  const ownFolder = async () => {
    if (!(await isOwnFolder(folder))) folder = await makeWorkFolder("pages");
    return folder;
  };

  const fetched = async ({ documentId, name, location, sha256, content }: Original): Promise<string> => {
    const kept = await originals.get(`${documentId}/${content}`);
    if (kept !== undefined) return kept;
    const { size } = await storage.head(location);
    if (size > limits.originalBytes / 2) throw new DocketError("TooLarge", `${name} is too large to be drawn here.`);
    const path = join(await ownFolder(), `${documentId}-${content}`);
    try {
      await fetchOriginal(storage, location, sha256, path);
    } catch (error) {
      await rm(path, { force: true });
      throw error;
    }
    await originals.add(`${documentId}/${content}`, path, size, path);
    return path;
  };

  const drawNow = async (original: Original, page: number, key: string): Promise<PagePicture> => {
    const file = await fetched(original);
    const png = join(await ownFolder(), `${original.documentId}-${original.content}-${page}.png`);
    const { maxPixels, drawing } = limits;
    const drawn = await drawPageFile({ file, name: original.name, page, png, maxPixels }, drawing);
    const picture = { path: png, ...drawn };
    await pictures.add(key, png, (await stat(png)).size, picture);
    return picture;
  };

  /** A document that was deleted is not asked for again, so its files are looked for. */
  const sweep = async () => {
    const ids = [...new Set([...originals.keys, ...pictures.keys].map((key) => key.split("/")[0] ?? ""))];
    for (let at = 0; at < ids.length; at += limits.sweptAtOnce) {
      const asked = ids.slice(at, at + limits.sweptAtOnce);
      const rows = await database.document.findMany({ where: { id: { in: asked } }, select: { id: true } });
      const gone = new Set(asked);
      for (const { id } of rows) gone.delete(id);
      await forget((id) => gone.has(id));
    }
  };
  // A database that does not answer now is asked again the next time.
  const sweeping = setInterval(() => void sweep().catch(() => {}), sweepMilliseconds).unref();

  return {
    async draw(documentId, page) {
      const original = await look(documentId);
      const key = `${documentId}/${original.content}/${page}`;
      const kept = await pictures.get(key);
      if (kept !== undefined) return kept;
      const already = underWay.get(key);
      if (already !== undefined) return already;
      if (turn.pendingCount >= limits.waiting) {
        throw new DocketError("Internal", "Too many pages wait to be drawn.", { remedy: "Try again shortly." });
      }
      const drawing = turn(() => drawNow(original, page, key)).finally(() => underWay.delete(key));
      underWay.set(key, drawing);
      return drawing;
    },
    async close() {
      clearInterval(sweeping);
      turn.clearQueue();
      await Promise.allSettled(turn.activeCount > 0 ? [...underWay.values()].slice(0, 1) : []);
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function isOwnFolder(path: string): Promise<boolean> {
  const facts = await lstat(path).catch(() => null);
  return facts?.isDirectory() === true && facts.uid === (process.getuid?.() ?? facts.uid);
}
