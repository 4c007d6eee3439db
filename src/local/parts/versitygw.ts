import type { StartOptions } from "../report.ts";
import { type ForeignProgram, findProgram } from "./find-program.ts";
import { runProgram } from "./run-program.ts";

const version = "1.8.0";

const versitygw: ForeignProgram = {
  title: "S3",
  name: "versitygw",
  cached: `versitygw-${version}`,
  variable: "DOCKET_VERSITYGW",
  go: {
    package: `github.com/versity/versitygw/cmd/versitygw@v${version}`,
    minimumGo: [1, 25],
    name: "versitygw",
    what: "the S3 server versitygw",
    usually: "about a minute",
  },
  check: checkVersitygw,
  failure: {
    type: "StorageUnavailable",
    remedy:
      "One of these will do: install versitygw so that it is on the PATH (or name it in DOCKET_VERSITYGW); install Go " +
      "1.25 or newer, then it is built; or use an S3 of your own with DOCKET_BUCKET (AWS) or AWS_ENDPOINT_URL_S3.",
  },
};

/**
 * Path of versitygw, the local stack's S3 server.
 * @throws {DocketError} `StorageUnavailable` when no way to get it works, `InvalidInput` when the configured one is none
 */
export function findVersitygw(options: StartOptions = {}): Promise<string> {
  return findProgram(versitygw, options);
}

async function checkVersitygw(path: string, environment: NodeJS.ProcessEnv): Promise<string | null> {
  const answer = await runProgram(path, ["--version"], { environment }).catch((error: Error) => error);
  if (answer instanceof Error) return `cannot be run (${answer.message})`;
  const text = answer.lines.join(" ");
  return /version/i.test(text) ? null : `is not versitygw (it says: ${text.slice(0, 80)})`;
}
