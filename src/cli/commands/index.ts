import type { Command } from "commander";
import { defineBatch } from "./batch.ts";
import { defineBreakers } from "./breakers.ts";
import { defineBudget } from "./budget.ts";
import { defineCodecServer } from "./codec-server.ts";
import { defineCorrect } from "./correct.ts";
import { defineDelete } from "./delete.ts";
import { defineDoctor } from "./doctor.ts";
import { defineEnv } from "./env.ts";
import { defineEstimate } from "./estimate.ts";
import { defineExport } from "./export.ts";
import { defineFailures } from "./failures.ts";
import { defineGate } from "./gate.ts";
import { defineLedger } from "./ledger.ts";
import { defineLocalTextract } from "./local-textract.ts";
import { defineOcr } from "./ocr.ts";
import { defineRedrive } from "./redrive.ts";
import { defineRetention } from "./retention.ts";
import { defineReview } from "./review.ts";
import { defineRun } from "./run.ts";
import { defineSchedule } from "./schedule.ts";
import { defineSearch } from "./search.ts";
import { defineSetup } from "./setup.ts";
import { defineStatus } from "./status.ts";
import { defineSubmit } from "./submit.ts";
import { defineText } from "./text.ts";
import { defineUp } from "./up.ts";
import { defineWatch } from "./watch.ts";
import { defineWatchFolder } from "./watch-folder.ts";
import { defineWeb } from "./web.ts";
import { defineWebhook } from "./webhook.ts";
import { defineWorker } from "./worker.ts";

/** Every command, in the order of `docket --help`. */
export const commands: ((program: Command) => void)[] = [
  defineRun,
  defineUp,
  defineEnv,
  defineSubmit,
  defineEstimate,
  defineBatch,
  defineSchedule,
  defineWatchFolder,
  defineBudget,
  defineStatus,
  defineWatch,
  defineText,
  defineSearch,
  defineExport,
  defineLedger,
  defineWeb,
  defineFailures,
  defineRedrive,
  defineReview,
  defineCorrect,
  defineDelete,
  defineRetention,
  defineWebhook,
  defineOcr,
  defineDoctor,
  defineBreakers,
  defineSetup,
  defineWorker,
  defineGate,
  defineCodecServer,
  defineLocalTextract,
];
