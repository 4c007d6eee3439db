import { log } from "@temporalio/activity";
import type { ActivityExecuteInput, ActivityInboundCallsInterceptor, Next } from "@temporalio/worker";
import { DocketError } from "../contract/failures.ts";
import type { Database } from "../database/client.ts";
import { readOwner, takeOver } from "../database/document-owner.ts";
import { isLatestRun } from "./latest-run.ts";
import { currentRun } from "./run-identity.ts";

/**
 * Lets a run that Temporal made by resetting a workflow own the document of the run before it: what an activity is
 * refused because that one owns the document, it may do after all, when Temporal says that this run is the latest of its
 * workflow id. A run that was overtaken stays refused, and so does one whose document belongs to another workflow id.
 *
 * Inside the interceptor that types failures. The activities are idempotent: calling one again is harmless.
 */
export class OwnershipInterceptor implements ActivityInboundCallsInterceptor {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  async execute(input: ActivityExecuteInput, next: Next<ActivityInboundCallsInterceptor, "execute">): Promise<unknown> {
    try {
      return await next(input);
    } catch (error) {
      if (!(error instanceof DocketError) || error.type !== "Superseded") throw error;
      const { documentId } = (input.args[0] ?? {}) as { documentId?: unknown };
      if (typeof documentId !== "string" || !(await this.#takeOver(documentId))) throw error;
      return next(input);
    }
  }

  async #takeOver(documentId: string): Promise<boolean> {
    const run = currentRun();
    const owner = await readOwner(this.#database, documentId);
    if (owner === null || owner.workflowId !== run.workflowId || owner.runId === run.runId) return false;
    if (!(await isLatestRun())) return false;
    const taken = await takeOver(this.#database, documentId, { from: owner.runId, to: run.runId });
    if (taken) log.info("the document of the run before the reset is taken over", { documentId, from: owner.runId });
    return taken;
  }
}
