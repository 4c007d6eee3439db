import { setTimeout as sleep } from "node:timers/promises";
import { WorkflowExecutionAlreadyStartedError, WorkflowFailedError } from "@temporalio/client";
import type { HandIn, PlannedDocument } from "./plan.ts";
import type { World } from "./world.ts";

/** How one workflow of a document ended. */
export interface Ended {
  workflowId: string;
  documentId: string | null;
  /** Null: complete. */
  failureType: string | null;
}

/** A document's object; it is uploaded before anything breaks. */
export async function upload(world: World, name: string, { content, project }: PlannedDocument) {
  const [bucket, storage] = content.elsewhere
    ? [world.elsewhere.bucket, world.elsewhere.storage]
    : [world.bucket, world.storage];
  const key = `${project}/${name}.${content.extension}`;
  if (content.bytes !== null) await storage.put(bucket, key, content.bytes, "application/octet-stream");
  return { bucket, key };
}

/** Starts a document's workflow and waits for its end, whatever becomes of the Temporal server meanwhile. */
export async function processOne(
  world: Pick<World, "temporal">,
  name: string,
  document: Pick<PlannedDocument, "project" | "engine">,
  handIn: HandIn,
  location: { bucket: string; key: string },
  signal: AbortSignal,
): Promise<Ended> {
  const workflowId = handIn.sameWorkflow ? name : `${name}-again`;
  const { project, engine } = document;
  await eventually(signal, async () => {
    await world.temporal.workflow
      .start("processDocument", {
        taskQueue: "documents",
        workflowId,
        args: [{ document: location, project, engine }],
        workflowIdReusePolicy: "ALLOW_DUPLICATE_FAILED_ONLY",
        workflowIdConflictPolicy: "USE_EXISTING",
      })
      .catch((error) => {
        // Complete already: nothing is to be done.
        if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
      });
  });
  return eventually(signal, async () => {
    try {
      const { documentId } = await world.temporal.workflow.getHandle(workflowId).result();
      return { workflowId, documentId, failureType: null };
    } catch (error) {
      if (!(error instanceof WorkflowFailedError)) throw error;
      const { type, details, message } = (error.cause ?? {}) as {
        type?: string;
        details?: unknown[];
        message?: string;
      };
      const detail = details?.[0] as { documentId?: string } | undefined;
      return { workflowId, documentId: detail?.documentId ?? null, failureType: type ?? message ?? "unknown" };
    }
  });
}

const againMilliseconds = 500;

/** The servers that this client speaks to are being ended on purpose: it asks again until the run's time is over. */
async function eventually<T>(signal: AbortSignal, ask: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      if (signal.aborted) throw error;
      await sleep(againMilliseconds, undefined, { signal });
    }
  }
}
