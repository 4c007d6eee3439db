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

/** What a command's exit codes mean, where it is not the usual; a command without documents has no 2. */
export interface ExitMeanings {
  0?: string;
  1?: string;
  2?: string | null;
}

const usual = {
  0: "done; every document is complete",
  1: "wrong usage, or the environment lacks something",
  2: "some document failed",
};

/** The exit codes of one command, for its help. */
export function exitCodesHelp(meanings: ExitMeanings = {}): string {
  const lines = Object.entries({ ...usual, ...meanings }).flatMap(([code, text]) =>
    text === null ? [] : [`  ${code}  ${text}`],
  );
  return `Exit codes:\n${lines.join("\n")}`;
}
