import { stat } from "node:fs/promises";
import { basename } from "node:path";
import type { FoundFile } from "./find-documents.ts";

/** How a file was when it was last looked at. */
interface Look {
  size: number;
  modifiedAt: number;
  /** `Date.now()` of the first look that found it so. */
  since: number;
  taken: boolean;
  /** How often it was given back, as it is. */
  deferrals: number;
}

/** Names under which programs write what is not finished, beside those that are hidden. */
const unfinished = /^~|~$|\.(part|partial|tmp|temp|crdownload|download|swp)(\.\w+)?$/i;

/** A file that is given back waits twice as long each time, up to this: telling it again costs a reading of all of it. */
const longestDeferral = 10 * 60_000;

/**
 * Tells which files of a folder have settled: they have been as they are for a time, by their size and the time of their
 * last change. Each is told once, and again when it has changed. What is known of files that are gone is forgotten.
 */
export class SettledFiles {
  readonly #settleMilliseconds: number;
  #looks = new Map<string, Look>();
  #waiting = 0;

  constructor(settleMilliseconds: number) {
    this.#settleMilliseconds = settleMilliseconds;
  }

  /** Files that were still changing, or too new, at the last look. */
  get waiting(): number {
    return this.#waiting;
  }

  /** Looks at every file once. @param now `Date.now()` */
  async look(files: readonly FoundFile[], now: number): Promise<FoundFile[]> {
    const settled: FoundFile[] = [];
    const looks = new Map<string, Look>();
    this.#waiting = 0;
    for (const file of files) {
      if (unfinished.test(basename(file.path))) continue;
      // Gone, or moved away, since the folder was read.
      const status = await stat(file.path).catch(() => null);
      if (status === null) continue;
      const { size, mtimeMs: modifiedAt } = status;
      const before = this.#looks.get(file.path);
      const same = before?.size === size && before.modifiedAt === modifiedAt;
      // A file that was there before the first look has its own time to go by; one from the future has none.
      const since = same ? before.since : modifiedAt <= now && before === undefined ? modifiedAt : now;
      const look = { size, modifiedAt, since, taken: same && before.taken, deferrals: same ? before.deferrals : 0 };
      looks.set(file.path, look);
      if (look.taken) continue;
      if (size === 0 || now - since < this.#waitOf(look)) {
        this.#waiting += 1;
        continue;
      }
      look.taken = true;
      settled.push(file);
    }
    this.#looks = looks;
    return settled;
  }

  /**
   * Gives a file back that could not be taken for something that passes: it is told again after another time to settle,
   * and after twice that each further time, up to ten minutes.
   * @param now `Date.now()`
   * @returns whether that is the first time for the file as it is
   */
  defer({ path }: FoundFile, now: number): boolean {
    const look = this.#looks.get(path);
    if (look === undefined) return true;
    Object.assign(look, { since: now, taken: false, deferrals: look.deferrals + 1 });
    return look.deferrals === 1;
  }

  /** Milliseconds that a file must have been as it is. */
  #waitOf({ deferrals }: Look): number {
    return Math.max(
      this.#settleMilliseconds,
      Math.min(this.#settleMilliseconds * 2 ** (deferrals - 1), longestDeferral),
    );
  }
}
