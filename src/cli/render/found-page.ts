import type { FoundPage } from "../../database/search-pages.ts";
import type { Colors } from "../output.ts";
import { printableLine } from "./printable.ts";

/** A found page: where it is, and the words around what was looked for; without colours these are in «». */
export function renderFoundPage(found: FoundPage, color: Colors): string {
  const name = printableLine(found.fileName ?? "(no name)");
  const status = found.status === "complete" ? "" : ` ${color.yellow(found.status)}`;
  const where = color.dim(`${found.project} ${found.documentId}`);
  const mark = (text: string) => (color.isColorSupported ? color.bold(color.yellow(text)) : `«${text}»`);
  // Spaces at the parts' ends count, control characters do not.
  const plain = (text: string) => printableLine(`.${text}.`).slice(1, -1);
  const snippet = found.snippet.map(({ text, match }) => (match ? mark(plain(text)) : plain(text))).join("");
  return `${color.bold(name)}, page ${found.page}${status}  ${where}\n    ${snippet}`;
}
