import { setTimeout as delay } from "node:timers/promises";
import type { Logger } from "pino";
import type { QuotaGovernor } from "../activities/quota-governor.ts";
import { byDriver, type Database } from "../database/client.ts";
import { regionsWithLine } from "../database/textract-line.ts";

/** Between two looks, give or take a quarter, so that workers do not look together. Milliseconds. */
const everyMilliseconds = 60_000;

/**
 * Looks once a minute whether somebody sleeps in line although a job slot is free, and calls the next. Usually the step
 * that frees a slot does so; a slot may also become free without a step (a worker is killed, jobs of cancelled documents
 * are given up after a while, a limit is raised), and a call may be lost. It costs one small statement where nobody waits.
 */
export function watchLines(ports: {
  database: Database;
  governor: Pick<QuotaGovernor, "callNext">;
  logger: Pick<Logger, "warn">;
  every?: number;
}): { stop(): Promise<void> } {
  const { database, governor, logger, every = everyMilliseconds } = ports;
  const stopping = new AbortController();
  const { signal } = stopping;
  const watching = watch();
  return {
    async stop() {
      stopping.abort();
      await watching;
    },
  };

  async function watch(): Promise<void> {
    while (!signal.aborted) {
      await delay(every * (0.75 + Math.random() / 2), undefined, { signal, ref: false }).catch(() => {});
      if (!signal.aborted) await look();
    }
  }

  async function look(): Promise<void> {
    try {
      for (const region of await regionsWithLine(byDriver(database))) await governor.callNext(region);
    } catch (error) {
      logger.warn({ err: (error as Error).message }, "the lines for job slots could not be looked at");
    }
  }
}
