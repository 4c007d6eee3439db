import { open, readdir, stat } from "node:fs/promises";
import { basename, extname, join, resolve } from "node:path";
import { DocketError, type Failure } from "../contract/failures.ts";
import { documentExtensions } from "../media/document-names.ts";
import { mediaTypeOf, sniffedBytes } from "../media/media-type.ts";

/** A file on disk that is to be handed in. */
export interface FoundFile {
  /** The path to show: as it was named, or the named folder's path and the rest. */
  file: string;
  /** Absolute. */
  path: string;
}

/** A file that was asked for and cannot be handed in. */
export interface RefusedFile {
  file: string;
  failure: Failure;
}

export interface FoundDocuments {
  /** In the order of the arguments; within a folder by name, numbers in names by value. */
  files: FoundFile[];
  refused: RefusedFile[];
  /** Files in the folders that are not documents. */
  skipped: number;
}

const byName = new Intl.Collator("en", { numeric: true });

/**
 * Turns files and folders from a command line into the documents to hand in. A folder is walked to its leaves, hidden
 * entries left out; its documents are told by extension, files without one by their first bytes. A file that was named
 * itself is always either handed in or refused with its reason. Folders that symbolic links lead to a second time are
 * walked once.
 * A path that does not exist is refused likewise, so that one wrong name does not keep the others back.
 * @param options.others whether there is something else to hand in, so that nothing found here is no error
 * @throws {DocketError} `InvalidInput` when no path exists or nothing at all was found
 */
export async function findDocuments(
  paths: string[],
  options: { cwd: string; others?: boolean },
): Promise<FoundDocuments> {
  const found: FoundDocuments = { files: [], refused: [], skipped: 0 };
  let missing = 0;
  const seen = { files: new Set<string>(), folders: new Set<string>() };

  const add = (file: string, path: string) => {
    if (seen.files.has(path)) return;
    seen.files.add(path);
    found.files.push({ file, path });
  };

  for (const named of paths) {
    const path = resolve(options.cwd, named);
    const status = await stat(path).catch((error: NodeJS.ErrnoException) => error);
    if (status instanceof Error) {
      missing += 1;
      found.refused.push({ file: named, failure: notThere(named, status) });
    } else if (status.isDirectory()) {
      await walk(named, path);
    } else {
      const failure = await refuseNamed(named, path, status.isFile());
      if (failure === null) add(named, path);
      else found.refused.push({ file: named, failure });
    }
  }

  if (options.others) return found;
  if (found.files.length === 0 && found.refused.length === missing && missing > 0) {
    const message = found.refused.map(({ failure }) => failure.message).join("; ");
    throw new DocketError("InvalidInput", message, { remedy: existingPaths });
  }
  if (found.files.length === 0 && found.refused.length === 0) {
    throw new DocketError("InvalidInput", `No document was found in ${paths.join(", ")}.`, {
      remedy: `Name a file, or a folder that holds ${[...documentExtensions].map((e) => e.slice(1)).join(", ")} files.`,
    });
  }
  return found;

  async function walk(shown: string, folder: string): Promise<void> {
    try {
      const { dev, ino } = await stat(folder);
      if (seen.folders.has(`${dev}:${ino}`)) return;
      seen.folders.add(`${dev}:${ino}`);
      const names = (await readdir(folder)).filter((name) => !name.startsWith(".")).sort(byName.compare);
      for (const name of names) await visit(join(shown, name), join(folder, name));
    } catch (error) {
      found.refused.push({ file: shown, failure: unreadable(shown, error) });
    }
  }

  async function visit(shown: string, path: string): Promise<void> {
    const status = await stat(path).catch((error: NodeJS.ErrnoException) => error);
    if (status instanceof Error) {
      const failure = whyUnseen(shown, path, status);
      if (failure === null) found.skipped += 1;
      else found.refused.push({ file: shown, failure });
      return;
    }
    if (status.isDirectory()) return walk(shown, path);
    if (status.isFile() && (await isDocument(path))) add(shown, path);
    else found.skipped += 1;
  }
}

/** Why an entry of a folder cannot be looked at; null for what is no document, or is not there any more. */
function whyUnseen(shown: string, path: string, error: NodeJS.ErrnoException): Failure | null {
  const extension = extname(path).toLowerCase();
  if (extension !== "" && !documentExtensions.has(extension)) return null;
  if (error.code !== "ENOENT") return unreadable(shown, error);
  // A link that leads nowhere, or a file that went away meanwhile; but no path leads back to a name that is not UTF-8.
  if (!basename(path).includes("\uFFFD")) return null;
  const message = `${shown}: its name is not UTF-8, so that it cannot be opened.`;
  return new DocketError("FileUnreadable", message, { remedy: "Rename the file, and hand it in again." }).toFailure();
}

/** Why a file cannot be read from its beginning; null when it can. Nothing but a regular file is opened. */
export async function whyUnreadable({ file, path }: FoundFile): Promise<Failure | null> {
  try {
    if (!(await stat(path)).isFile())
      return new DocketError("FileUnreadable", `${file} is not a regular file.`).toFailure();
    await firstBytes(path);
    return null;
  } catch (error) {
    return unreadable(file, error);
  }
}

/**
 * Why a file that was named for itself cannot be handed in; null when it can: a regular file that can be read, and is a
 * document by its name or by its first bytes. Whatever else a list of files names stays where it is.
 */
export async function whyRefused(found: FoundFile): Promise<Failure | null> {
  return (await whyUnreadable(found)) ?? refuseNamed(found.file, found.path, true);
}

async function isDocument(path: string): Promise<boolean> {
  const extension = extname(path).toLowerCase();
  if (extension !== "") return documentExtensions.has(extension);
  // Unreadable and without an extension: nothing says that it is a document.
  return mediaTypeOf(await firstBytes(path).catch(() => new Uint8Array(0))) !== null;
}

/** Why a file that was named cannot be handed in; null when it can. */
async function refuseNamed(shown: string, path: string, isFile: boolean): Promise<Failure | null> {
  if (!isFile) return new DocketError("UnsupportedMedia", `${shown} is not a regular file.`).toFailure();
  try {
    const start = await firstBytes(path);
    // A document's own extension is taken at its word: whatever is wrong inside is found and recorded later.
    if (documentExtensions.has(extname(path).toLowerCase()) || mediaTypeOf(start) !== null) return null;
  } catch (error) {
    return unreadable(shown, error);
  }
  const message = `${basename(shown)} is no PDF, TIFF, JPEG or PNG, by its name or by its first bytes.`;
  return new DocketError("UnsupportedMedia", message).toFailure();
}

async function firstBytes(path: string): Promise<Uint8Array> {
  const handle = await open(path);
  try {
    const { buffer, bytesRead } = await handle.read(new Uint8Array(sniffedBytes), 0, sniffedBytes, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await handle.close();
  }
}

const existingPaths = "Name files or folders that exist; a path is taken from the current folder.";

function notThere(named: string, cause: NodeJS.ErrnoException): Failure {
  const message = `${named}: ${reasonOf(cause)}`;
  return new DocketError("FileUnreadable", message, { remedy: existingPaths, cause }).toFailure();
}

/** A file system's error as a failure of that file. */
export function unreadable(shown: string, error: unknown): Failure {
  const reason = reasonOf(error as NodeJS.ErrnoException);
  return new DocketError("FileUnreadable", `${shown}: ${reason}`, { cause: error }).toFailure();
}

function reasonOf(error: NodeJS.ErrnoException): string {
  if (error.code === "ENOENT") return "no such file or folder";
  if (error.code === "EACCES" || error.code === "EPERM") return "permission denied";
  return error.message;
}
