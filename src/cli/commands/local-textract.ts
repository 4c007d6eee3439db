import { join } from "node:path";
import { type Command, InvalidArgumentError } from "commander";
import { DocketError } from "../../contract/failures.ts";
import { type CommonOptions, defineCommand, runs } from "../command.ts";
import { interruptible, untilAborted } from "../interrupt.ts";
import { parseHost, parsePort } from "../listen-options.ts";
import { note, print, printJson } from "../output.ts";

interface Options extends CommonOptions {
  host: string;
  port: number;
  region?: string;
  s3Endpoint?: string;
  concurrency?: number;
}

/** `docket local-textract`: the local Textract endpoint alone, for any project that speaks to Textract. */
export function defineLocalTextract(program: Command): void {
  defineCommand(program, {
    usage: "local-textract",
    summary: "run the local Textract endpoint alone",
    description:
      "Serves Amazon Textract's wire protocol on loopback, with the real text of real documents, until Ctrl-C. Clients " +
      "sign with AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY as they are set here; documents are read from S3 with the " +
      "same keys. docs/local-textract.md says what it does and how to make it fail on purpose.",
    examples: [
      "AWS_ACCESS_KEY_ID=a AWS_SECRET_ACCESS_KEY=b docket local-textract --port 4577 --s3-endpoint http://127.0.0.1:9000",
    ],
    json: "one JSON object when it listens: endpoint, region, status",
    exits: { 0: "stopped in order", 2: null },
  })
    .option("--port <port>", "port; 0 is any free one", parsePort, 0)
    .option(
      "--host <address>",
      "IP address to listen on; another than loopback is for a network of one's own",
      parseHost,
      "127.0.0.1",
    )
    .option("--region <region>", "region that it answers for (default: AWS_REGION, or us-east-1)")
    .option("--s3-endpoint <url>", "where documents are (default: AWS_ENDPOINT_URL_S3, or AWS itself)")
    .option("--concurrency <count>", "documents read at once (default: the cores, at most 4)", parseConcurrency)
    .addHelpText("after", "  130  stopped by Ctrl-C, as it is meant to be; 143 by SIGTERM")
    .action(runs((options: Options) => localTextract(options)));
}

async function localTextract(options: Options): Promise<number> {
  const { AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN, AWS_REGION, AWS_ENDPOINT_URL_S3 } = process.env;
  if (!AWS_ACCESS_KEY_ID || !AWS_SECRET_ACCESS_KEY) {
    throw new DocketError("InvalidInput", "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are not set.", {
      remedy:
        "Set both: clients sign with them, and documents are read from S3 with them. Any values will do for a client.",
    });
  }
  const [{ loadOcrSettings }, { keepYoungBuffersFew }] = await Promise.all([
    import("../../config.ts"),
    import("../../media/young-buffers.ts"),
  ]);
  keepYoungBuffersFew();
  const { memoryBytes, language, tesseract, trainedData } = loadOcrSettings();
  const { startLocalTextract } = await import("../../local/textract/server.ts");
  const interruption = interruptible();
  const region = options.region ?? (AWS_REGION || "us-east-1");
  const sessionToken = AWS_SESSION_TOKEN || undefined;
  const endpoint = await startLocalTextract({
    dataFolder: join(options.dataDirectory, "local-textract"),
    host: options.host,
    port: options.port,
    region,
    credentials: [{ accessKeyId: AWS_ACCESS_KEY_ID, secretAccessKey: AWS_SECRET_ACCESS_KEY, sessionToken }],
    s3: { endpoint: options.s3Endpoint ?? (AWS_ENDPOINT_URL_S3 || undefined) },
    ...{ memoryBytes, language, tesseract, trainedData },
    ...(options.concurrency === undefined ? {} : { concurrency: options.concurrency }),
  });
  try {
    const { address } = endpoint;
    if (options.json) await printJson({ endpoint: address, region, status: `${address}/jobs` });
    else {
      await print(`Textract for ${region} at ${address}`);
      await print(`For AWS SDKs and the AWS CLI: export AWS_ENDPOINT_URL_TEXTRACT=${address}`);
      note(
        "Running jobs: GET /jobs; what would have been billed: GET /ledger. Ctrl-C stops it; jobs go on at the next start.",
      );
    }
    await untilAborted(new Promise<never>(() => {}), interruption.signal);
  } catch (error) {
    if (!interruption.signal.aborted) throw error;
  } finally {
    await endpoint.stop();
    interruption.dispose();
  }
  return interruption.exitCode() ?? 0;
}

function parseConcurrency(value: string): number {
  const count = Number(value);
  if (Number.isInteger(count) && count >= 1 && count <= 64) return count;
  throw new InvalidArgumentError("A concurrency is a whole number from 1 to 64.");
}
