import { setTimeout as sleep } from "node:timers/promises";
import { DocketError } from "../contract/failures.ts";
import { type Outage, outageOf, type ServiceAddresses } from "./outage.ts";

/** An outage that somebody waits for, and since when. */
export interface WaitedOutage extends Outage {
  /** `Date.now()` when it was first met. */
  since: number;
}

export interface ServiceWaitOptions {
  services: ServiceAddresses;
  /** Longest wait for one service, milliseconds. */
  limitMilliseconds: number;
  signal?: AbortSignal | undefined;
  /** Told when waiting begins, about every second while it goes on, and with null when nobody waits any more. */
  onChange?(outage: WaitedOutage | null): void;
  /** Looked at while waiting: why waiting has become pointless and what helps, or null. */
  isPointless?(): Promise<{ why: string; remedy: string } | null>;
}

const askEveryMilliseconds = 1000;

/**
 * Waits for services that do not answer, instead of failing what needs them: a hand-in that is done twice is done once,
 * so it is simply done again until the service is back. The client has no Temporal policy that would do so for it.
 */
export class ServiceWait {
  readonly #options: ServiceWaitOptions;
  readonly #waiting = new Set<WaitedOutage>();

  constructor(options: ServiceWaitOptions) {
    this.#options = options;
  }

  /** The same wait, told of otherwise. */
  toldTo(onChange: ServiceWaitOptions["onChange"]): ServiceWait {
    return new ServiceWait({ ...this.#options, ...(onChange === undefined ? {} : { onChange }) });
  }

  /** What is waited for, the longest first; null when nothing is. */
  get outage(): WaitedOutage | null {
    return [...this.#waiting].sort((a, b) => a.since - b.since)[0] ?? null;
  }

  /**
   * Runs something that may be run again until no outage is in its way.
   * @throws {DocketError} of the service that stayed away for longer than the limit; the signal's reason when aborted;
   *   whatever else the call fails with, at once
   */
  async through<T>(run: () => Promise<T>): Promise<T> {
    const { services, signal } = this.#options;
    let waited = null as WaitedOutage | null;
    try {
      for (;;) {
        try {
          return await run();
        } catch (error) {
          signal?.throwIfAborted();
          const outage = outageOf(error, services);
          if (outage === null) throw error;
          if (waited !== null) this.#waiting.delete(waited);
          waited = { ...outage, since: sinceOf(waited, outage) };
          this.#waiting.add(waited);
          await this.#throwIfOver(waited, error);
          this.#options.onChange?.(this.outage);
          await sleep(askEveryMilliseconds, undefined, signal ? { signal } : {});
        }
      }
    } finally {
      if (waited !== null) {
        this.#waiting.delete(waited);
        this.#options.onChange?.(this.outage);
      }
    }
  }

  async #throwIfOver({ type, what, since }: WaitedOutage, cause: unknown): Promise<void> {
    const pointless = (await this.#options.isPointless?.()) ?? null;
    if (pointless !== null) throw new DocketError(type, `${what}; ${pointless.why}`, { ...pointless, cause });
    const waited = Date.now() - since;
    if (waited < this.#options.limitMilliseconds) return;
    throw new DocketError(type, `${what}, for ${Math.round(waited / 1000)} s.`, {
      remedy: "Bring the service back or correct its address, then run the command again: it does nothing twice.",
      cause,
    });
  }
}

/** Another service that goes away while one is waited for is waited for anew. */
function sinceOf(before: WaitedOutage | null, { type }: Outage): number {
  return before?.type === type ? before.since : Date.now();
}
