import { activityInfo, CancelledFailure, cancellationSignal, log } from "@temporalio/activity";
import { ApplicationFailure, ApplicationFailureCategory } from "@temporalio/common";
import type { ActivityExecuteInput, ActivityInboundCallsInterceptor, Next } from "@temporalio/worker";
import { type DocketError, type Failure, failureTable, limitedAttempts } from "../contract/failures.ts";
import { PrerequisitesNotMet } from "./check-prerequisites.ts";
import { NotYet } from "./not-yet.ts";
import { currentRun } from "./run-identity.ts";
import { toDocketError } from "./to-docket-error.ts";

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
      // A worker that shuts down cancels too: Temporal tells the two apart, and retries the step elsewhere.
      if (cancellationSignal().aborted && isOfCancellation(error)) {
        observe("Cancelled");
        throw error instanceof CancelledFailure ? error : new CancelledFailure("CANCELLED");
      }
      const failure = toApplicationFailure(error);
      observe(failure.type ?? "Internal");
      throw failure;
    }
  }
}

/**
 * What is broken off says so in many ways: a request is aborted, a connection is reset in the middle of a body. Whatever
 * would have been tried again is the cancellation; what is final, as that an object is not there, stays so.
 */
function isOfCancellation(error: unknown): boolean {
  if (error instanceof CancelledFailure) return true;
  if (error instanceof ApplicationFailure) return !error.nonRetryable;
  const { type } = toDocketError(error);
  return type === "Cancelled" || failureTable[type].retry !== "never";
}

/** A typed failure as Temporal carries it: type, message, and the whole {@link Failure} list as its details. */
function toApplicationFailure(error: unknown): ApplicationFailure {
  if (error instanceof ApplicationFailure) return error;
  const typed = toDocketError(error);
  const { retry } = failureTable[typed.type];
  const failures: Failure[] = typed instanceof PrerequisitesNotMet ? typed.failures : [typed.toFailure()];
  const final =
    retry === "never" || retry === "new-attempt" || (retry === "limited" && countLimited() >= limitedAttempts);
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

const limitedFailures = new Map<string, number>();
const mostCounted = 10_000;

/**
 * How often this activity failed in a limited way in this process. Attempts cannot be counted instead: a look at a job
 * that is not finished is an attempt too, and the hundredth look must not die of its first hiccup.
 */
function countLimited(): number {
  const { activityId } = activityInfo();
  const key = `${currentRun().runId} ${activityId}`;
  const count = (limitedFailures.get(key) ?? 0) + 1;
  if (limitedFailures.size >= mostCounted) limitedFailures.clear();
  limitedFailures.set(key, count);
  return count;
}

/** Only what nobody expected is worth a stack. */
function stackOf(error: unknown, typed: DocketError): string | undefined {
  return typed.type === "Internal" ? (error as Error | null)?.stack : undefined;
}
