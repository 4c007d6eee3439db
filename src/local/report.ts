/** One step of bringing up the local stack, as it happens. */
export interface StepReport {
  /** What is being had or started, for example `PostgreSQL`. */
  step: string;
  /** What happens, in words. */
  detail?: string;
  /**
   * `start` and `progress` while it goes on; then `done` (started by this process), `reused` (was running already) or
   * `external` (configured, not ours).
   */
  state: "start" | "progress" | "done" | "reused" | "external";
  /** Size of what was fetched or built. */
  bytes?: number;
  /** How long the step took. */
  milliseconds?: number;
}

/** Where steps are told. */
export type Report = (step: StepReport) => void;

/** What everything that takes a while in `src/local` accepts. */
export interface StartOptions {
  /** Told of every step. Default: nobody. */
  report?: Report | undefined;
  /** Ends waiting; what was started is stopped again. */
  signal?: AbortSignal | undefined;
  /** The user's variables. Default: `process.env`. */
  environment?: NodeJS.ProcessEnv | undefined;
}
