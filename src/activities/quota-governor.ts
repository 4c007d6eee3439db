import type { Logger } from "pino";
import { byDriver, type Database } from "../database/client.ts";
import { chooseSleepers, takeOutOfLine } from "../database/textract-line.ts";
import { pause, reserve } from "../database/textract-rates.ts";
import { giveTurnBack, takeTurn } from "../database/textract-turns.ts";
import type { RatedOperation } from "../textract/quotas.ts";
import type { RegionLimits } from "../textract/region-limits.ts";
import { NotYet } from "./not-yet.ts";

/** How long nobody asks after Textract had no slot although the ledger had: others use the account. */
const holdMilliseconds = 3000;
/** Of those that are called some may be gone: so often others are called in their place. */
const mostRounds = 3;

/**
 * Keeps what is asked of Textract within a region's quotas, over all workers, through the database. Where nothing is
 * limited it asks the database nothing.
 */
export interface QuotaGovernor {
  /**
   * Takes the turn and a job slot for a Start.
   * @returns milliseconds to wait before the call
   * @throws {NotYet} `TextractNoSlot` when it is not this document's turn
   */
  admitStart(start: Start): Promise<number>;
  /**
   * Takes a place in time for a Get.
   * @param mostWaitMilliseconds the longest wait that the caller can do itself
   * @returns milliseconds to wait before the call
   * @throws {NotYet} `TextractNoSlot` when the next place is further away
   */
  admitGet(region: string, analysis: boolean, mostWaitMilliseconds: number): Promise<number>;
  /** Textract refused a Start for want of a slot. @throws {NotYet} always, where slots are limited */
  slotRefused(start: Start): Promise<void>;
  /**
   * A job slot became free, or one was taken and there may be more: calls those in line whose turn it is, who ask then at
   * once. To be called when the ledger knows it. Should a call fail, the next one that frees a slot calls again: no step
   * fails for it.
   */
  callNext(region: string): Promise<void>;
  /** Textract throttled. */
  throttled(region: string, operation: RatedOperation): Promise<void>;
}

/** A Start as the governor sees it. */
export interface Start {
  region: string;
  /** The attempt's token. */
  token: string;
  analysis: boolean;
  /** 1 (first) to 5 (last). */
  priority: number;
}

/**
 * @param ports.limitsOf what a region may be asked
 * @param ports.call tells a workflow that its turn may have come; false where no such workflow runs
 */
export function createQuotaGovernor(ports: {
  database: Database;
  limitsOf(region: string): Promise<RegionLimits>;
  call(workflowId: string): Promise<boolean>;
  logger: Pick<Logger, "warn">;
}): QuotaGovernor {
  const { database, limitsOf, call, logger } = ports;
  return {
    async admitStart({ region, token, analysis, priority }) {
      const limits = await limitsOf(region);
      const operation = analysis ? "startAnalysis" : "startText";
      const jobs = limits.concurrentJobs;
      if (!Number.isFinite(limits[operation]) && !Number.isFinite(jobs)) return 0;
      const rate = { perSecond: limits[operation] };
      const turn = await takeTurn(database, { token, region, operation, priority, rate, jobs });
      if (turn.admitted) return turn.waitMilliseconds;
      const why =
        turn.why === "slots"
          ? `all ${jobs} job slots are in use, or others are about to take them`
          : `others go first at ${rate.perSecond} Starts a second`;
      throw new NotYet("TextractNoSlot", `Textract in ${region}: ${why}.`, turn.waitMilliseconds);
    },

    async admitGet(region, analysis, mostWaitMilliseconds) {
      const operation = analysis ? "getAnalysis" : "getText";
      const perSecond = (await limitsOf(region))[operation];
      if (!Number.isFinite(perSecond)) return 0;
      const place = await reserve(database, { region, operation }, { perSecond }, mostWaitMilliseconds);
      if (place.reserved) return place.waitMilliseconds;
      const message = `Textract in ${region}: ${perSecond} Gets a second are in use.`;
      // Not all at the same moment, and not all as soon as there is one place again.
      throw new NotYet("TextractNoSlot", message, place.waitMilliseconds * (1 + Math.random()));
    },

    async slotRefused({ region, token }) {
      const { concurrentJobs } = await limitsOf(region);
      if (!Number.isFinite(concurrentJobs)) return;
      await giveTurnBack(database, { token, region }, holdMilliseconds);
      const message = `Textract in ${region} has no job slot free, although less than ${concurrentJobs} are in use here.`;
      throw new NotYet("TextractNoSlot", message, holdMilliseconds + Math.random() * 500);
    },

    async callNext(region) {
      try {
        const limits = await limitsOf(region);
        if (!Number.isFinite(limits.concurrentJobs)) return;
        for (let round = 1; round <= mostRounds; round++) {
          const chosen = await chooseSleepers(database, region, limits);
          const runs = await Promise.all(chosen.map(({ workflowId }) => call(workflowId)));
          const gone = chosen.filter((_, index) => !runs[index]);
          if (gone.length === 0) return;
          await takeOutOfLine(
            byDriver(database),
            gone.map(({ token }) => token),
          );
        }
      } catch (error) {
        logger.warn({ err: (error as Error).message, region }, "the next in line for a job slot could not be called");
      }
    },

    async throttled(region, operation) {
      const perSecond = (await limitsOf(region))[operation];
      if (Number.isFinite(perSecond)) await pause(database, { region, operation }, { perSecond });
    },
  };
}
