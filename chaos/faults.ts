import type { Random } from "./random.ts";

/** Where a connection can be broken between the workers and a service. */
export const brokenServices = ["textract", "s3", "postgres"] as const;
export type BrokenService = (typeof brokenServices)[number];

/** A fault that the local Textract endpoint makes on command, as its `/faults` takes it. */
export interface EndpointFault {
  kind: string;
  operation?: string;
  count?: number;
  [member: string]: unknown;
}

/** What one fault does. */
export type FaultAction =
  | { do: "kill"; what: "worker"; index: number }
  | { do: "kill"; what: "Textract" | "PostgreSQL" | "S3" | "Temporal"; signal: "SIGKILL" | "SIGTERM" }
  | { do: "endpoint"; fault: EndpointFault }
  | { do: "break"; service: BrokenService; moment: "before" | "after"; count: number }
  | { do: "notify"; jobs: "running" | "unknown"; times: number };

interface FaultKind {
  /** How often one run has it at most; parts that end too often are given up by those who supervise them. */
  most: number;
  /** Processes that end: a few of these are heavier than many of the others. */
  heavy: boolean;
  make(random: Random): FaultAction;
}

const onPurpose = "ON_PURPOSE";

/** Whether what Textract said of a job or a page is a fault's doing. */
export function failedOnPurpose(message: string | null): boolean {
  return message?.startsWith(onPurpose) ?? false;
}

const starts = "StartDocumentTextDetection";
const looks = "GetDocumentTextDetection";
const many = Number.POSITIVE_INFINITY;

function endpoint(make: (random: Random) => EndpointFault, most = many): FaultKind {
  return { most, heavy: false, make: (random) => ({ do: "endpoint", fault: make(random) }) };
}

function kill(what: "Textract" | "PostgreSQL" | "S3" | "Temporal", most: number, signals: "SIGKILL"[] | "SIGTERM"[]) {
  const make = (random: Random): FaultAction => ({ do: "kill", what, signal: random.pick([...signals]) });
  return { most, heavy: true, make } satisfies FaultKind;
}

function breaking(moment: "before" | "after"): FaultKind {
  const make = (random: Random): FaultAction => {
    return { do: "break", service: random.pick(brokenServices), moment, count: random.int(1, 4) };
  };
  return { most: many, heavy: false, make };
}

/** Every kind of fault by its name on the command line. */
export const faultKinds = {
  "kill-worker": { most: 5, heavy: true, make: (random) => ({ do: "kill", what: "worker", index: random.int(0, 2) }) },
  "kill-textract": kill("Textract", 3, ["SIGKILL"]),
  "kill-postgres": kill("PostgreSQL", 3, ["SIGKILL"]),
  "kill-s3": kill("S3", 2, ["SIGKILL"]),
  "restart-temporal": kill("Temporal", 2, ["SIGTERM"]),
  throttle: endpoint((random) => ({
    kind: "throttle",
    operation: random.pick([starts, looks, "*"]),
    error: random.pick(["provisioned", "throttling"]),
    count: random.int(1, 6),
  })),
  "no-slot": endpoint((random) => ({ kind: "no-slot", operation: starts, count: random.int(1, 5) })),
  "internal-error": endpoint((random) => ({ kind: "internal-error", count: random.int(1, 3) })),
  "reset-before": endpoint((random) => ({
    kind: "reset-before",
    operation: random.pick([starts, looks]),
    count: random.int(1, 3),
  })),
  "reset-after": endpoint((random) => ({
    kind: "reset-after",
    operation: random.pick([starts, looks]),
    count: random.int(1, 3),
  })),
  "slow-answer": endpoint((random) => ({
    kind: "slow-answer",
    operation: random.pick([starts, looks]),
    milliseconds: random.int(500, 4000),
    count: random.int(1, 3),
  })),
  "slow-job": endpoint((random) => ({
    kind: "slow-job",
    milliseconds: random.int(500, 6000),
    count: random.int(1, 3),
  })),
  expired: endpoint(() => ({ kind: "expired", operation: looks }), 3),
  // More than one job: the second may be the one that reads the missing pages.
  "partial-success": endpoint((random) => {
    const pages = random.pick([[1], [2], [1, 3]]);
    return { kind: "partial-success", pages, errorCode: onPurpose, count: random.int(1, 3) };
  }, 4),
  "job-failed": endpoint(() => ({ kind: "job-failed", statusMessage: onPurpose }), 2),
  "break-before": breaking("before"),
  "break-after": breaking("after"),
  "lost-notification": endpoint((random) => ({ kind: "lost-notification", count: random.int(1, 3) })),
  "doubled-notification": endpoint((random) => ({ kind: "doubled-notification", count: random.int(1, 3) })),
  "late-notification": endpoint((random) => ({ kind: "late-notification", milliseconds: random.int(500, 8000) })),
  "forged-notification": endpoint(() => ({ kind: "forged-notification" })),
  "doubled-signal": { most: many, heavy: false, make: () => ({ do: "notify", jobs: "running", times: 2 }) },
  "false-signal": { most: many, heavy: false, make: () => ({ do: "notify", jobs: "unknown", times: 1 }) },
} as const satisfies Record<string, FaultKind>;

export type FaultName = keyof typeof faultKinds;
export const faultNames = Object.keys(faultKinds) as FaultName[];

/** A fault and when it comes. */
export interface PlannedFault {
  name: FaultName;
  /** From the first hand-in, milliseconds. */
  at: number;
  action: FaultAction;
}

/**
 * Draws the faults of one run: one heavy fault for about six documents, one light fault for each document, spread over
 * the time of the hand-ins.
 */
export function planFaults(
  random: Random,
  allowed: readonly FaultName[],
  run: { documents: number; windowMilliseconds: number },
): PlannedFault[] {
  const heavy = allowed.filter((name) => faultKinds[name].heavy);
  const light = allowed.filter((name) => !faultKinds[name].heavy);
  const drawn = [
    ...draw(random, heavy, Math.min(8, Math.max(3, Math.round(run.documents / 6)))),
    ...draw(random, light, run.documents),
  ];
  return drawn
    .map((name) => ({ name, at: random.int(0, run.windowMilliseconds), action: faultKinds[name].make(random) }))
    .sort((a, b) => a.at - b.at);
}

/** Every name once, in an order by chance, before any comes again. */
function draw(random: Random, names: readonly FaultName[], count: number): FaultName[] {
  const drawn: FaultName[] = [];
  const used = new Map<FaultName, number>();
  let left: FaultName[] = [];
  while (drawn.length < count) {
    left = left.filter((name) => (used.get(name) ?? 0) < faultKinds[name].most);
    if (left.length === 0) left = names.filter((name) => (used.get(name) ?? 0) < faultKinds[name].most);
    if (left.length === 0) break;
    const name = random.pick(left);
    left = left.filter((other) => other !== name);
    used.set(name, (used.get(name) ?? 0) + 1);
    drawn.push(name);
  }
  return drawn;
}
