/** Pages a minute over the recent past, from samples of a count that only grows. */
export class PageRate {
  readonly #windowMilliseconds: number;
  #samples: { at: number; pages: number }[] = [];

  constructor(windowMilliseconds = 60_000) {
    this.#windowMilliseconds = windowMilliseconds;
  }

  add(at: number, pages: number): void {
    // The time before the first page is preparation, and what the first look finds was read by an earlier run: counted
    // in, they would make the rate wrong for long.
    if (pages === 0) return;
    if (this.#samples.length === 1 && this.#samples[0]?.pages === pages) this.#samples = [];
    this.#samples.push({ at, pages });
    const start = at - this.#windowMilliseconds;
    // The last sample before the window stays, so that a slow page still gives a rate.
    while (this.#samples.length > 2 && (this.#samples[1]?.at ?? start) <= start) this.#samples.shift();
  }

  /** Null until there were pages for five seconds. */
  perMinute(): number | null {
    const first = this.#samples[0];
    const last = this.#samples.at(-1);
    if (first === undefined || last === undefined || last.at - first.at < 5000) return null;
    const rate = ((last.pages - first.pages) / (last.at - first.at)) * 60_000;
    return rate > 0 ? rate : null;
  }

  millisecondsFor(pages: number): number | null {
    const rate = this.perMinute();
    return rate === null ? null : (pages / rate) * 60_000;
  }
}
