import { type Client, ServiceError } from "@temporalio/client";
import { DocketError } from "../contract/failures.ts";

/** Temporal's answers to the questions of an activity are small; one that takes longer is asked for again. */
const answerMilliseconds = 5000;

/**
 * Asks Temporal something, and no longer than five seconds.
 * @param question what is not known without the answer, for the message
 * @throws {DocketError} `TemporalUnavailable` when there is no answer; what Temporal answers otherwise as it is, such as
 *   `WorkflowNotFoundError`
 */
export async function temporalAnswer<T>(client: Client, question: string, ask: () => Promise<T>): Promise<T> {
  try {
    return await client.withDeadline(Date.now() + answerMilliseconds, ask);
  } catch (error) {
    if (!(error instanceof ServiceError)) throw error;
    throw new DocketError("TemporalUnavailable", `Temporal does not say ${question}: ${error.message}`, {
      cause: error,
    });
  }
}
