import { createWriteStream } from "node:fs";
import { mkdir, rename, rm } from "node:fs/promises";
import { basename, join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { readPageTexts } from "../../client/read-pages.ts";
import type { Database } from "../../database/client.ts";
import { cutToBytes } from "../../export/file-names.ts";
import { joinPages } from "../render/page-text.ts";

/** Bytes of a name; file systems take 255, and id, extension and a temporary ending come on top. */
const nameBytes = 200;

/**
 * Writes the text of documents into a folder, one file a document, named like the document's file; where several files
 * have one name, the beginning of the document's id tells them apart. What could not be written whole is not there.
 */
export function createTextWriter(database: Database, folder: string, files: string[]) {
  const nameOf = (file: string) => cutToBytes(basename(file), nameBytes);
  const uses = new Map<string, number>();
  for (const file of files) uses.set(nameOf(file), (uses.get(nameOf(file)) ?? 0) + 1);
  return async (file: string, documentId: string): Promise<string> => {
    const name = nameOf(file);
    const path = join(folder, (uses.get(name) ?? 0) > 1 ? `${name}-${documentId.slice(0, 8)}.txt` : `${name}.txt`);
    await mkdir(folder, { recursive: true });
    const partial = `${path}.${process.pid}.partial`;
    try {
      await pipeline(Readable.from(joinPages(readPageTexts(database, documentId))), createWriteStream(partial));
      await rename(partial, path);
    } catch (error) {
      await rm(partial, { force: true });
      throw error;
    }
    return path;
  };
}
