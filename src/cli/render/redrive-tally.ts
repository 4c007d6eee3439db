import type { Redrive } from "../../client/redrive.ts";
import { formatUsd, plural } from "./format.ts";

/** What all of it comes to. */
export class RedriveTally {
  failed = 0;
  /** Who was asked which documents it knows; null where nobody was. */
  asked: string | null = null;
  #left = 0;
  #documents = 0;
  #pages = 0;
  #usd = 0;
  #unknown = 0;
  #urgent = 0;

  add({ billedPages, billedUsd, urgent }: Redrive): void {
    this.#documents += 1;
    this.#pages += billedPages ?? 0;
    this.#usd += billedUsd ?? 0;
    if (billedPages === null) this.#unknown += 1;
    if (urgent) this.#urgent += 1;
  }

  /** An open document that somebody works on. */
  leave(): void {
    this.#left += 1;
  }

  words(dryRun: boolean): string {
    const left = `${plural(this.#left, "open document")} that a run works on ${this.#left === 1 ? "is" : "are"} left alone.`;
    const asked = this.asked === null ? "" : `\n${this.asked}, was asked: ${left}`;
    if (this.#documents === 0 && this.failed === 0) return `Nothing is to be started again.${asked}`;
    const unknown =
      this.#unknown === 0 ? "" : `, and ${plural(this.#unknown, "document")} whose pages were never counted`;
    const urgent = this.#urgent === 0 ? "" : `\n${plural(this.#urgent, "paid result")} of these expire within a day.`;
    return (
      `${plural(this.#documents, "document")} ${dryRun ? "would be started" : "started"}; billed at most: ` +
      `${plural(this.#pages, "page")}, ${formatUsd(this.#usd)}${unknown}.${urgent}${asked}`
    );
  }
}
