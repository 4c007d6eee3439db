/** How a command ends; part of the command line's contract. */
export const exitCodes = {
  /** Everything that was asked for is done; every document is complete. */
  complete: 0,
  /** Wrong usage, or the environment lacks something. */
  environment: 1,
  /** Some document failed or is not complete. */
  documentFailed: 2,
  /** Stopped by Ctrl-C; the next run goes on. */
  interrupted: 130,
  /** Stopped by SIGTERM or SIGHUP; the next run goes on. */
  terminated: 143,
} as const;

export const exitCodesHelp = `Exit codes:
  0  done; every document is complete
  1  wrong usage, or the environment lacks something
  2  some document failed`;
