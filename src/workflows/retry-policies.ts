import type { ActivityOptions } from "@temporalio/workflow";
import { taskQueues } from "../contract/process-document.ts";
import { webhookQueue } from "../contract/webhook.ts";

/**
 * Time-outs are short where the work is: a worker that is killed is noticed by them, and the step goes on elsewhere.
 *
 * One policy for each class of work. Attempts are not limited here: a failure's type decides that it is final (the one
 * table in src/contract/failures.ts), and these bounds decide how long a document waits for a worker or a service that is not there: time in a queue counts.
 */
export const retryPolicies = {
  /** A few rows; PostgreSQL may be restarting. */
  database: {
    taskQueue: taskQueues.documents,
    startToCloseTimeout: "15 seconds",
    scheduleToCloseTimeout: "30 days",
    retry: { initialInterval: "200 milliseconds", backoffCoefficient: 2, maximumInterval: "30 seconds" },
  },
  /** Reads of an S3 object, at most all of it once. */
  storage: {
    taskQueue: taskQueues.documents,
    startToCloseTimeout: "15 minutes",
    heartbeatTimeout: "15 seconds",
    scheduleToCloseTimeout: "30 days",
    retry: { initialInterval: "500 milliseconds", backoffCoefficient: 2, maximumInterval: "1 minute" },
  },
  /** Deleting copies of ours; a storage that stays away keeps no document from its end. */
  cleanUp: {
    taskQueue: taskQueues.documents,
    startToCloseTimeout: "20 seconds",
    scheduleToCloseTimeout: "30 minutes",
    retry: { initialInterval: "1 second", backoffCoefficient: 2, maximumInterval: "1 minute" },
  },
  /**
   * Start requests, after waiting for a place, a breaker, or money. A monthly budget that is reached on the 1st is a month
   * away, and longer where others are first; whoever raises a cap may do so next year: this one waits for 400 days.
   * Waiting counts as attempts too, so that the interval is at its maximum after any wait: it is short. The governor and
   * the region's breaker keep a service in trouble from being hammered.
   *
   * An attempt that is broken off to ask again ends first, so that no two are at Textract at once.
   */
  textractSubmit: {
    taskQueue: taskQueues.textractSubmit,
    cancellationType: "WAIT_CANCELLATION_COMPLETED",
    startToCloseTimeout: "20 seconds",
    scheduleToCloseTimeout: "400 days",
    retry: { initialInterval: "1 second", backoffCoefficient: 2, maximumInterval: "15 seconds" },
  },
  /**
   * One look at a job; a job at work says itself when to look again. Results live seven days. The interval does not grow:
   * every look is an attempt, and a worker lost at the hundredth look must not cost minutes. The queue's rate and the
   * region's breaker keep a service in trouble from being hammered.
   */
  textractPoll: {
    taskQueue: taskQueues.textractResults,
    startToCloseTimeout: "20 seconds",
    scheduleToCloseTimeout: "7 days",
    retry: { initialInterval: "3 seconds", backoffCoefficient: 1 },
  },
  /** Reading a result: minutes for thousands of pages, and it resumes where it was. */
  textractCollect: {
    taskQueue: taskQueues.textractResults,
    startToCloseTimeout: "1 hour",
    heartbeatTimeout: "15 seconds",
    scheduleToCloseTimeout: "30 days",
    retry: { initialInterval: "1 second", backoffCoefficient: 2, maximumInterval: "1 minute" },
  },
  /** All objects and rows of one document; behind a service that is away, and gone on with where it was. */
  deletion: {
    taskQueue: taskQueues.documents,
    startToCloseTimeout: "1 hour",
    heartbeatTimeout: "15 seconds",
    scheduleToCloseTimeout: "30 days",
    retry: { initialInterval: "1 second", backoffCoefficient: 2, maximumInterval: "1 minute" },
  },
  /** A receiver that is down for a weekend gets its events on Monday. */
  webhook: {
    taskQueue: webhookQueue,
    startToCloseTimeout: "30 seconds",
    scheduleToCloseTimeout: "3 days",
    retry: { initialInterval: "2 seconds", backoffCoefficient: 2, maximumInterval: "30 minutes" },
  },
  /** Somebody waits for the answer, whatever it is. */
  webhookTest: {
    taskQueue: webhookQueue,
    startToCloseTimeout: "30 seconds",
    scheduleToCloseTimeout: "1 minute",
    retry: { maximumAttempts: 1 },
  },
  /** Local recognition, one document at a time. */
  ocr: {
    taskQueue: taskQueues.ocr,
    startToCloseTimeout: "1 hour",
    heartbeatTimeout: "15 seconds",
    scheduleToCloseTimeout: "30 days",
    retry: { initialInterval: "2 seconds", backoffCoefficient: 2, maximumInterval: "1 minute" },
  },
} as const satisfies Record<string, ActivityOptions>;

/** Questions to one worker of a version; its queue is set where it is asked. Somebody waits for the answer. */
export const gatePolicy = {
  startToCloseTimeout: "2 minutes",
  scheduleToCloseTimeout: "3 minutes",
  retry: { initialInterval: "1 second", maximumAttempts: 3 },
} as const satisfies ActivityOptions;

/** Looks at a batch: waiting is not an attempt, and a batch may be paused for as long as somebody likes. */
export const batchPolicy = {
  taskQueue: taskQueues.documents,
  startToCloseTimeout: "15 minutes",
  heartbeatTimeout: "15 seconds",
  retry: { initialInterval: "1 second", backoffCoefficient: 2, maximumInterval: "30 seconds" },
} as const satisfies ActivityOptions;
