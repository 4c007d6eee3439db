import { createHash } from "node:crypto";
import { mkdir, mkdtemp, readFile, rename, rm, stat, symlink, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { dirname, isAbsolute, join } from "node:path";
import { promisify } from "node:util";
import { gunzip } from "node:zlib";
import { DocketError } from "../contract/failures.ts";
import type { TrainedData } from "./trained-data.ts";

/**
 * One folder with all of the data, uncompressed, which is what a native `tesseract` reads: the data's own folder where
 * that is one, otherwise a folder in the user's cache, made once for each set of files.
 *
 * @throws {DocketError} `FileUnreadable` when the cache cannot be written
 */
export async function plainTrainedData(data: readonly TrainedData[]): Promise<string> {
  const [first] = data;
  const folder = dirname(first?.file ?? "");
  if (data.every(({ file }) => dirname(file) === folder && !file.endsWith(".gz"))) return folder;
  const identity = createHash("sha256");
  for (const { language, file } of data) {
    const { size, mtimeMs } = await stat(file);
    identity.update(`${language}\0${file}\0${size}\0${mtimeMs}\0`);
  }
  const cache = join(cacheFolder(), identity.digest("hex").slice(0, 16));
  if (await exists(cache)) return cache;
  try {
    await mkdir(dirname(cache), { recursive: true, mode: 0o700 });
    const draft = await mkdtemp(`${cache}-`);
    try {
      for (const { language, file } of data) await place(file, join(draft, `${language}.traineddata`));
      // Whoever was faster made the same.
      await rename(draft, cache).catch(() => {});
    } finally {
      await rm(draft, { recursive: true, force: true });
    }
  } catch (error) {
    throw new DocketError(
      "FileUnreadable",
      `Trained data cannot be unpacked to ${cache}: ${(error as Error).message}`,
      {
        cause: error,
        remedy: "Let the folder be written, or name one with uncompressed data in DOCKET_OCR_DATA.",
      },
    );
  }
  return cache;
}

async function place(file: string, to: string): Promise<void> {
  if (!file.endsWith(".gz")) return symlink(file, to);
  await writeFile(to, await promisify(gunzip)(await readFile(file)));
}

function cacheFolder(): string {
  const configured = process.env["XDG_CACHE_HOME"];
  const base = configured && isAbsolute(configured) ? configured : join(homedir(), ".cache");
  return join(base, "docket", "trained-data");
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
