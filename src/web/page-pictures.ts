import { rm, stat } from "node:fs/promises";
import { join } from "node:path";
import pLimit from "p-limit";
import { DocketError } from "../contract/failures.ts";
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
   * Draws a page, or finds it drawn. One drawing at a time, in a child process with limits of its own.
   * @throws {DocketError} what is wrong with the document or its object; `Internal` when too many drawings wait
   */
  draw(documentId: string, page: number): Promise<PagePicture>;
  close(): Promise<void>;
}

/** Keeps what it fetched and drew in a temporary folder of its own, which `close` removes. */
export async function createPagePictures(database: Database, storage: ObjectStorage): Promise<PagePictures> {
  const folder = await makeWorkFolder("pages");
  const originals = new RecentFiles<string>(limits.originalBytes);
  const pictures = new RecentFiles<PagePicture>(limits.pictureBytes);
  const underWay = new Map<string, Promise<PagePicture>>();
  const turn = pLimit(1);

  const original = async (documentId: string): Promise<{ path: string; name: string }> => {
    const row = await database.document.findUnique({
      where: { id: documentId },
      select: { bucket: true, key: true, objectVersion: true, metadata: { select: { fileName: true, sha256: true } } },
    });
    if (row === null) throw new DocketError("RecordMissing", `There is no document ${documentId}.`);
    const name = row.metadata?.fileName ?? row.key;
    const kept = originals.get(documentId);
    if (kept !== undefined) return { path: kept, name };
    const location = {
      bucket: row.bucket,
      key: row.key,
      ...(row.objectVersion === null ? {} : { version: row.objectVersion }),
    };
    const { size } = await storage.head(location);
    if (size > limits.originalBytes / 2) throw new DocketError("TooLarge", `${name} is too large to be drawn here.`);
    const path = join(folder, documentId);
    try {
      await fetchOriginal(storage, location, row.metadata?.sha256 ?? null, path);
    } catch (error) {
      await rm(path, { force: true });
      throw error;
    }
    await originals.add(documentId, path, size, path);
    return { path, name };
  };

  const drawNow = async (documentId: string, page: number): Promise<PagePicture> => {
    const { path: file, name } = await original(documentId);
    const png = join(folder, `${documentId}-${page}.png`);
    const { maxPixels, drawing } = limits;
    const drawn = await drawPageFile({ file, name, page, png, maxPixels }, drawing);
    const picture = { path: png, ...drawn };
    await pictures.add(`${documentId}/${page}`, png, (await stat(png)).size, picture);
    return picture;
  };

  return {
    draw(documentId, page) {
      const key = `${documentId}/${page}`;
      const kept = pictures.get(key);
      if (kept !== undefined) return Promise.resolve(kept);
      const already = underWay.get(key);
      if (already !== undefined) return already;
      if (turn.pendingCount >= limits.waiting) {
        const busy = new DocketError("Internal", "Too many pages wait to be drawn.", { remedy: "Try again shortly." });
        return Promise.reject(busy);
      }
      const drawing = turn(() => drawNow(documentId, page)).finally(() => underWay.delete(key));
      underWay.set(key, drawing);
      return drawing;
    },
    async close() {
      turn.clearQueue();
      await Promise.allSettled(turn.activeCount > 0 ? [...underWay.values()].slice(0, 1) : []);
      await rm(folder, { recursive: true, force: true });
    },
  };
}
