import { type ExportFormat, exportFormats } from "./export-formats.ts";

/** Bytes of a name; file systems take 255, and the id, the extension and a temporary ending come on top. */
const nameBytes = 160;

/**
 * The name of a document's file in a folder: the document's own name, the beginning of its id (names repeat, ids do
 * not), the part where a document gives several files, the format's extension. Nothing of it can lead out of the
 * folder or be hidden.
 */
export function exportFileName(
  document: { fileName: string; documentId: string },
  format: ExportFormat,
  part?: string,
): string {
  const base = document.fileName
    // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters have no place in a file's name
    .replace(/[\u0000-\u001f\u007f-\u009f/\\:*?"<>|\u2028-\u202e\u2066-\u2069]+/g, "_")
    .replace(/\.(pdf|tiff?|jpe?g|png)$/i, "")
    .replace(/^[.\s]+|[.\s]+$/g, "")
    .toWellFormed();
  const name = cutToBytes(base, nameBytes);
  const id = document.documentId.slice(0, 13);
  return `${name || "document"}-${id}.${part === undefined ? "" : `${part}.`}${exportFormats[format].extension}`;
}

/** The beginning of a text that takes at most so many bytes in UTF-8, no character cut in two. */
export function cutToBytes(text: string, bytes: number): string {
  let cut = "";
  let used = 0;
  for (const character of text) {
    used += Buffer.byteLength(character);
    if (used > bytes) break;
    cut += character;
  }
  return cut;
}
