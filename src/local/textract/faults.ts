import { z } from "zod";
import { DocketError } from "../../contract/failures.ts";
import { operationNames } from "./request-shapes.ts";
import { isTextractErrorName, TextractError, textractError } from "./textract-error.ts";

const operation = z.enum(["*", ...operationNames] as [string, ...string[]]).default("*");
const count = z.int().min(1).max(1_000_000).default(1);
// Of the document, or of the job's document; left out: any.
const key = z.string().min(1).max(1024).optional();
const common = { operation, count, key };
// Of a Get: only where it goes on in a result that was begun (true), or begins one (false); left out: any.
const ofRequest = { ...common, nextToken: z.boolean().optional() };

// Faults of a request: they happen to the next `count` requests of the operation.
const requestFault = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("throttle"), error: z.enum(["provisioned", "throttling"]).optional(), ...ofRequest }),
  z.object({ kind: z.literal("no-slot"), ...ofRequest }),
  z.object({ kind: z.literal("internal-error"), ...ofRequest }),
  z.object({
    kind: z.literal("error"),
    name: z.string().refine(isTextractErrorName, "is not one of AWS' names of errors that the endpoint knows"),
    message: z.string().max(1000).default("An error on command"),
    ...ofRequest,
  }),
  z.object({ kind: z.literal("reset-before"), ...ofRequest }),
  z.object({ kind: z.literal("reset-after"), ...ofRequest }),
  z.object({ kind: z.literal("half-answer"), ...ofRequest }),
  z.object({ kind: z.literal("slow-answer"), milliseconds: z.int().min(1).max(600_000), ...ofRequest }),
  z.object({ kind: z.literal("expired"), ...ofRequest }),
]);

// Faults of a job: they happen to the next `count` jobs that are accepted, and stay with the job over a restart.
const jobFault = z.discriminatedUnion("kind", [
  z.object({
    kind: z.literal("partial-success"),
    pages: z.array(z.int().min(1)).min(1),
    errorCode: z.string().min(1).default("INTERNAL_ERROR"),
    ...common,
  }),
  z.object({ kind: z.literal("job-failed"), statusMessage: z.string().min(1).default("INTERNAL_ERROR"), ...common }),
  z.object({ kind: z.literal("slow-job"), milliseconds: z.int().min(1).max(86_400_000), ...common }),
]);

// Faults of a notification: they happen to the next `count` ends of jobs that are to be told to a topic.
const notificationFault = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("lost-notification"), ...common }),
  z.object({ kind: z.literal("doubled-notification"), ...common }),
  z.object({ kind: z.literal("late-notification"), milliseconds: z.int().min(1).max(86_400_000), ...common }),
  z.object({ kind: z.literal("forged-notification"), ...common }),
]);

const faultList = z.array(z.union([requestFault, jobFault, notificationFault])).max(1000);

export type Fault = z.infer<typeof faultList>[number];
export type JobFault = z.infer<typeof jobFault>;
type NotificationFault = z.infer<typeof notificationFault>;

/** Faults on command, in the order in which they were given. */
export interface Faults {
  list(): Fault[];
  /** @throws {DocketError} `InvalidInput` naming what is wrong with the list */
  add(list: unknown): void;
  clear(): void;
  /**
   * The next fault of a request, a job or a notification for an operation, used up by this call.
   * @param key of the document that it is about; undefined where that is not known
   * @param goesOn whether the request has a NextToken
   */
  takeForRequest(operation: string, key: string | undefined, goesOn: boolean): Fault | undefined;
  takeForJob(operation: string, key: string): JobFault | undefined;
  takeForNotification(operation: string, key: string): NotificationFault | undefined;
}

const kindsOf = (shape: { options: readonly { shape: { kind: { value: string } } }[] }): readonly string[] =>
  shape.options.map((option) => option.shape.kind.value);
const kinds = {
  request: kindsOf(requestFault),
  job: kindsOf(jobFault),
  notification: kindsOf(notificationFault),
};

export function createFaults(): Faults {
  let faults: Fault[] = [];
  const take = (operation: string, key: string | undefined, of: keyof typeof kinds, goesOn = false) => {
    const fault = faults.find(
      (f) =>
        kinds[of].includes(f.kind) &&
        (f.operation === "*" || f.operation === operation) &&
        (f.key === undefined || f.key === key) &&
        (!("nextToken" in f) || f.nextToken === undefined || f.nextToken === goesOn),
    );
    if (fault === undefined) return undefined;
    fault.count--;
    faults = faults.filter((f) => f.count > 0);
    return fault;
  };
  return {
    list: () => faults,
    add(list) {
      const parsed = faultList.safeParse(list);
      if (!parsed.success) {
        throw new DocketError("InvalidInput", `The list of faults is not valid: ${z.prettifyError(parsed.error)}`, {
          remedy: "docs/local-textract.md lists the faults and their members.",
        });
      }
      faults.push(...parsed.data);
    },
    clear() {
      faults = [];
    },
    takeForRequest: (operation, key, goesOn) => take(operation, key, "request", goesOn),
    takeForJob: (operation, key) => take(operation, key, "job") as JobFault | undefined,
    takeForNotification: (operation, key) => take(operation, key, "notification") as NotificationFault | undefined,
  };
}

/** @throws {TextractError} for the faults that refuse a request; the other kinds are for its end */
export function throwIfRefused(fault: Fault | undefined): void {
  switch (fault?.kind) {
    case "throttle":
      if (fault.error !== "throttling") throw textractError("ProvisionedThroughputExceededException");
      throw new TextractError("ThrottlingException", "Rate exceeded");
    case "no-slot":
      throw textractError("LimitExceededException");
    case "internal-error":
      throw new TextractError("InternalServerError", "Internal server error");
    case "error":
      throw new TextractError(fault.name, fault.message);
    default:
      return;
  }
}
