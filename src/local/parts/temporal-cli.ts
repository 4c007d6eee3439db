import type { StartOptions } from "../report.ts";
import { type ForeignProgram, findProgram } from "./find-program.ts";
import { runProgram } from "./run-program.ts";
import { downloadTemporal } from "./temporal-download.ts";

// Newer versions hold a `replace` in their go.mod, which `go install` refuses.
const version = "1.5.1";
// Priorities of tasks came with 1.28, fairness with 1.29; older servers ignore them.
const minimumServer = [1, 28] as const;

const temporalCli: ForeignProgram = {
  title: "Temporal",
  name: "temporal",
  cached: `temporal-${version}`,
  variable: "DOCKET_TEMPORAL_CLI",
  go: {
    package: `github.com/temporalio/cli/cmd/temporal@v${version}`,
    minimumGo: [1, 25],
    name: "temporal",
    what: "the Temporal server",
    usually: "about 3 minutes",
  },
  fetch: (target, options) => downloadTemporal(version, target, options),
  check: checkTemporal,
  failure: {
    type: "TemporalUnavailable",
    remedy:
      "One of these will do: install the Temporal CLI so that `temporal` is on the PATH (or name it in " +
      "DOCKET_TEMPORAL_CLI); install Go 1.25 or newer, then it is built; or use a server of your own with " +
      "TEMPORAL_ADDRESS.",
  },
};

/**
 * Path of the Temporal CLI, whose development server is the local stack's.
 * @throws {DocketError} `TemporalUnavailable` when no way to get it works, `InvalidInput` when the configured one is none
 */
export function findTemporal(options: StartOptions = {}): Promise<string> {
  return findProgram(temporalCli, options);
}

/** `temporal version 1.5.1 (Server 1.29.1, UI 2.42.1)`; a build by `go install` calls itself 0.0.0-DEV. */
async function checkTemporal(path: string, environment: NodeJS.ProcessEnv): Promise<string | null> {
  const answer = await runProgram(path, ["--version"], { environment }).catch((error: Error) => error);
  if (answer instanceof Error) return `cannot be run (${answer.message})`;
  const text = answer.lines.join(" ");
  const [, major = 0, minor = 0] = (/Server (\d+)\.(\d+)/.exec(text) ?? []).map(Number);
  if (major === 0) return `is not the Temporal CLI (it says: ${text.slice(0, 80)})`;
  const [needMajor, needMinor] = minimumServer;
  if (major > needMajor || (major === needMajor && minor >= needMinor)) return null;
  return `is too old: it holds server ${major}.${minor}, and ${needMajor}.${needMinor} is needed`;
}
