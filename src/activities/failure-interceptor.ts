import { activityInfo, CancelledFailure, log } from "@temporalio/activity";
import { ApplicationFailure, ApplicationFailureCategory } from "@temporalio/common";
import type { ActivityExecuteInput, ActivityInboundCallsInterceptor, Next } from "@temporalio/worker";
import { DocketError, type Failure, failureTable, limitedAttempts } from "../contract/failures.ts";
import { databaseFailure } from "../database/database-failure.ts";
import { PrerequisitesNotMet } from "./check-prerequisites.ts";
import { NotYet } from "./not-yet.ts";

/** Counts what became of each activity; the metrics listen. */
export type ActivityObserver = (activity: string, outcome: string, milliseconds: number) => void;

/**
 * The one place that decides whether a failure is retried: it turns every error that leaves an activity into a typed
 * failure, and the table's rule into Temporal's terms.
 */
export class FailureInterceptor implements ActivityInboundCallsInterceptor {
  readonly #observe: ActivityObserver;

  constructor(observe: ActivityObserver) {
    this.#observe = observe;
  }

  async execute(input: ActivityExecuteInput, next: Next<ActivityInboundCallsInterceptor, "execute">): Promise<unknown> {
    const { activityType } = activityInfo();
    const began = performance.now();
    const observe = (outcome: string) => this.#observe(activityType, outcome, performance.now() - began);
    try {
      const result = await next(input);
      observe("ok");
      return result;
    } catch (error) {
      if (error instanceof CancelledFailure || (error as Error | null)?.name === "AbortError") {
        observe("Cancelled");
        throw error instanceof CancelledFailure ? error : new CancelledFailure("CANCELLED");
      }
      const failure = toApplicationFailure(error, activityInfo().attempt);
      observe(failure.type ?? "Internal");
      throw failure;
    }
  }
}

/** A typed failure as Temporal carries it: type, message, and the whole {@link Failure} list as its details. */
function toApplicationFailure(error: unknown, attempt: number): ApplicationFailure {
  if (error instanceof ApplicationFailure) return error;
  const typed = toDocketError(error);
  const { retry } = failureTable[typed.type];
  const failures: Failure[] = typed instanceof PrerequisitesNotMet ? typed.failures : [typed.toFailure()];
  const final = retry === "never" || retry === "new-attempt" || (retry === "limited" && attempt >= limitedAttempts);
  if (retry !== "wait") log.warn(typed.message, { failureType: typed.type, final, stack: stackOf(error, typed) });
  return ApplicationFailure.create({
    type: typed.type,
    message: typed.message,
    nonRetryable: final,
    details: [{ ...typed.toFailure(), failures: failures.length > 1 ? failures : undefined }],
    ...(typed instanceof NotYet ? { nextRetryDelay: typed.delayMilliseconds } : {}),
    ...(retry === "wait" ? { category: ApplicationFailureCategory.BENIGN } : {}),
  });
}

function toDocketError(error: unknown): DocketError {
  if (error instanceof DocketError) return error;
  const fromDatabase = databaseFailure(error);
  if (fromDatabase !== null) return fromDatabase;
  const { message = String(error), code } = (error ?? {}) as { message?: string; code?: string };
  if (code === "ENOSPC") {
    return new DocketError("StorageUnavailable", `No space is left on the disk: ${message}`, {
      remedy: "Free space on the disk that holds the temporary folder; the work waits.",
      cause: error,
    });
  }
  return new DocketError("Internal", message, { cause: error });
}

/** Only what nobody expected is worth a stack. */
function stackOf(error: unknown, typed: DocketError): string | undefined {
  return typed.type === "Internal" ? (error as Error | null)?.stack : undefined;
}
