import type { Services } from "../../client/connect.ts";
import type { FoundFile } from "../../client/find-documents.ts";
import {
  createFileHandIn,
  createObjectHandIn,
  type HandedIn,
  type HandInOptions,
} from "../../client/hand-in-document.ts";
import type { DocumentLocation } from "../../contract/process-document.ts";

/** Something to hand in: a file, or an object that is in S3 already. */
export interface HandInItem {
  /** How it was named. */
  file: string;
  handIn(): Promise<HandedIn>;
}

/** An object of the command line: how it was named, and where it is. */
export interface NamedObject {
  file: string;
  location: DocumentLocation;
}

/** Files and objects as things to hand in. */
export function handInItems(
  services: Services,
  what: { files: FoundFile[]; objects: NamedObject[] },
  options: HandInOptions,
  signal: AbortSignal,
): HandInItem[] {
  const handInFile = createFileHandIn(services, options, signal);
  const handInObject = createObjectHandIn(services, options, signal);
  return [
    ...what.files.map((file) => ({ file: file.file, handIn: () => handInFile(file) })),
    ...what.objects.map(({ file, location }) => ({
      file,
      handIn: () => handInObject(location),
    })),
  ];
}

/** Items that are handed in at the same time: each may be read for its hash, and uploaded. */
export const handInsAtOnce = 4;

/** Does something for each item, a few at once, in their order. */
export async function forEachItem<T>(items: T[], run: (item: T, index: number) => Promise<void>): Promise<void> {
  const queue = items.entries();
  const next = async () => {
    for (const [index, item] of queue) await run(item, index);
  };
  await Promise.all(Array.from({ length: handInsAtOnce }, next));
}
