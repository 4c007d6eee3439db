/**
 * Work that is done in order, one batch after another: what came while a batch was under way is the next one. It is for
 * statements, of which a few with many rows take less time than many with a few.
 */
export class BatchLine<Item> {
  readonly #most: number;
  readonly #work: (batch: Item[]) => Promise<void>;
  #waiting: Item[] = [];
  /** The batch under way; stays there when it failed, and nothing follows it. */
  #underWay: Promise<void> | null = null;

  /** @param most items that wait at the same time, and so are in a batch */
  constructor(most: number, work: (batch: Item[]) => Promise<void>) {
    this.#most = most;
    this.#work = work;
  }

  /** Hands an item in, when there is room for it. @throws what a batch before it failed with */
  async add(item: Item): Promise<void> {
    while (this.#waiting.length >= this.#most) await this.#underWay;
    this.#waiting.push(item);
    if (this.#underWay === null) this.#start();
  }

  /** When everything is done. @throws what a batch failed with */
  async end(): Promise<void> {
    while (this.#underWay !== null) await this.#underWay;
  }

  #start(): void {
    const batch = this.#waiting;
    this.#waiting = [];
    this.#underWay = this.#work(batch).then(() => {
      this.#underWay = null;
      if (this.#waiting.length > 0) this.#start();
    });
    // Whoever adds or ends is told.
    this.#underWay.catch(() => {});
  }
}
