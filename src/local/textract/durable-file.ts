import { open, rename } from "node:fs/promises";
import { dirname } from "node:path";

/** Writes a file so that, whatever crashes, it is either the old or the new content as a whole. */
export async function writeDurably(path: string, content: string | Uint8Array): Promise<void> {
  const fresh = `${path}.new`;
  const file = await open(fresh, "w", 0o600);
  try {
    await file.writeFile(content);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(fresh, path);
  // The new name is on the disk only when the folder is. Some systems (Windows) cannot open a folder for that.
  const folder = await open(dirname(path), "r").catch(() => undefined);
  await folder?.sync().catch(() => {});
  await folder?.close();
}
