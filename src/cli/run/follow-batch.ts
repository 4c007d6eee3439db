import { setTimeout as sleep } from "node:timers/promises";
import { endDeadBatch, endLostBatch, readBatch, unreadItems } from "../../client/batches.ts";
import type { Services } from "../../client/connect.ts";
import type { ServiceWait } from "../../client/service-wait.ts";
import { exitCodes } from "../exit-codes.ts";
import { note, print, printJson } from "../output.ts";
import { batchJson, batchLine, endedOf, failureLines } from "../render/batch-lines.ts";
import { formatCount, formatDuration } from "../render/format.ts";
import { printableLine } from "../render/printable.ts";

const lookEveryMilliseconds = 1000;
/** Lines are printed as things change, but not more often. */
const tellEveryMilliseconds = 5000;
/** So often it is asked whether anybody works on the batch at all. */
const askEveryMilliseconds = 5000;
const mostFailures = 50;

/** Follows a batch to its end and prints how it ended. @returns the exit code */
export async function followBatch(
  services: Services,
  batchId: string,
  { wait, signal, json }: { wait: ServiceWait; signal: AbortSignal; json: boolean },
): Promise<number> {
  const began = Date.now();
  let told = { line: "", at: 0 };
  let asked = began;
  let first: { ended: number; at: number } | null = null;
  for (;;) {
    signal.throwIfAborted();
    const batch = await wait.through(() => readBatch(services.database, batchId));
    const ended = endedOf(batch);
    first ??= { ended, at: Date.now() };
    const line = batchLine(batch);
    if (line !== told.line && Date.now() - told.at >= tellEveryMilliseconds) {
      told = { line, at: Date.now() };
      const perSecond = (ended - first.ended) / Math.max(1, (Date.now() - first.at) / 1000);
      const left = batch.counts.listed && perSecond > 0 ? (batch.counts.total - ended) / perSecond : null;
      note(`${line}${left === null || left < 5 ? "" : `; about ${formatDuration(left * 1000)} left`}`);
    }
    if (batch.finishedAt === null) {
      if (Date.now() - asked >= askEveryMilliseconds) {
        asked = Date.now();
        const known = await wait.through(() => endDeadBatch(services, batch));
        if (!known) await wait.through(() => endLostBatch(services.database, batch));
      }
      await sleep(lookEveryMilliseconds, undefined, { signal });
      continue;
    }
    const { failed, incomplete, cancelled, waiting } = batch.counts;
    if (json) await printJson(batchJson(batch));
    else {
      await print(`Batch ${batchId}: ${line} (${formatDuration(Date.now() - began)})`);
      for (const item of await unreadItems(services.database, batchId, mostFailures)) {
        const type = item.failureType === null ? "" : `: ${item.failureType}`;
        await print(`  ${item.state}${type}  ${item.documentId ?? ""}  ${printableLine(item.name)}`);
        if (item.message !== null) await print(`    ${printableLine(item.message)}`);
      }
      if (batch.failure !== null) await print(failureLines(batch.failure).join("\n"));
      const more = failed + incomplete - mostFailures;
      if (more > 0) await print(`  and ${formatCount(more)} more; \`docket status --status failed\` lists them`);
    }
    // What still waits in a batch that has ended is never begun.
    return failed + incomplete + cancelled + waiting > 0 || batch.failure !== null
      ? exitCodes.documentFailed
      : exitCodes.complete;
  }
}
