import { mkdir, stat } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import type { PartDefinition } from "./part.ts";
import type { PartCommand, Ports } from "./part-process.ts";
import type { StartOptions } from "./report.ts";
import { SharedPart } from "./shared-part.ts";

export interface LocalTextractOptions extends StartOptions {
  /** The part's folder; jobs and results lie in `data` below it. */
  directory: string;
  logDirectory: string;
  /** The region that it answers for. */
  region: string;
  /** Variables that tell it where S3 is and which keys to use. */
  storage: Record<string, string>;
}

const program = fileURLToPath(new URL("./textract/main.js", import.meta.url));

/**
 * Finds the local Textract endpoint of a folder running, or starts it.
 * @throws {DocketError} `TextractUnavailable`
 */
export async function startLocalTextract(options: LocalTextractOptions): Promise<SharedPart> {
  const { directory, logDirectory, region } = options;
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const definition: PartDefinition = {
    title: "Textract (local)",
    directory,
    logPath: `${logDirectory}/textract.log`,
    ports: { textract: null },
    command: (ports) => textractCommand(ports, options),
    async probe(ports) {
      const answer = await fetch(`${textractAddress(ports)}/health`, { signal: AbortSignal.timeout(2000) });
      return answer.ok && ((await answer.json()) as { region?: string }).region === region;
    },
    stopSignal: "SIGTERM",
    startMilliseconds: 30_000,
    stopMilliseconds: 10_000,
    failure: { type: "TextractUnavailable", remedy: "Or use another endpoint with AWS_ENDPOINT_URL_TEXTRACT." },
  };
  return SharedPart.open(definition, options);
}

/** Where it listens; its helper paths (`/jobs`, `/ledger`) are below this address, too. */
export function textractAddress(ports: Ports): string {
  return `http://127.0.0.1:${ports["textract"]}`;
}

async function textractCommand(ports: Ports, options: LocalTextractOptions): Promise<PartCommand> {
  const environment = options.environment ?? process.env;
  const settings = Object.entries(environment).filter(([name]) => /^DOCKET_(OCR|LOCAL_TEXTRACT)_/.test(name));
  return {
    file: process.execPath,
    args: [program],
    variables: {
      ...(Object.fromEntries(settings) as Record<string, string>),
      ...options.storage,
      DOCKET_LOCAL_TEXTRACT_PORT: String(ports["textract"]),
      DOCKET_LOCAL_TEXTRACT_DATA: `${options.directory}/data`,
      DOCKET_LOCAL_TEXTRACT_REGION: options.region,
    },
    inherited: environment,
    // A later build of it is another program at the same path.
    revision: String((await stat(program)).mtimeMs),
    directory: options.directory,
  };
}
