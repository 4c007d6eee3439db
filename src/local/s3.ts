import { mkdir, stat } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { keptSecret } from "./kept-secret.ts";
import type { PartDefinition } from "./part.ts";
import type { PartCommand, Ports } from "./part-process.ts";
import { findVersitygw } from "./parts/versitygw.ts";
import type { StartOptions } from "./report.ts";
import { type AccessKey, makeBucket } from "./s3-bucket.ts";
import { serviceEnvironment } from "./service-environment.ts";
import { SharedPart } from "./shared-part.ts";

export interface S3Options extends StartOptions {
  /** The part's folder; the objects lie in `buckets` below it. */
  directory: string;
  /** One server serves one region. Default: `us-east-1`. */
  region?: string;
  /** Port to prefer. Default: any. */
  port?: number;
  /** Bucket to make. Default: `docket`. */
  bucket?: string;
  /** Default: a random pair, kept in the folder. */
  accessKey?: AccessKey | undefined;
  /** Default: `logs` beside the folder. */
  logDirectory?: string;
}

/** A running S3 server of one region. */
export interface EmbeddedS3 {
  part: SharedPart;
  /** `http://127.0.0.1:PORT`. */
  endpoint: string;
  region: string;
  bucket: string;
  accessKey: AccessKey;
  /** Gives it up; the last process that does stops it. */
  stop(): Promise<void>;
}

const healthPath = "/health";

/**
 * Finds an S3 server running for a folder and region, or starts it, and makes its bucket.
 * @throws {DocketError} `StorageUnavailable`
 */
export async function startS3(options: S3Options): Promise<EmbeddedS3> {
  const { region = "us-east-1", bucket = "docket" } = options;
  const directory = resolve(options.directory);
  const buckets = join(directory, "buckets");
  await mkdir(buckets, { recursive: true, mode: 0o700 });
  const environment = options.environment ?? process.env;
  const program = await findVersitygw(options);
  let accessKey = options.accessKey ?? { accessKeyId: "docket-local", secretAccessKey: "" };

  const definition: PartDefinition = {
    title: region === "us-east-1" ? "S3" : `S3 ${region}`,
    directory,
    logPath: join(options.logDirectory ?? join(dirname(directory), "logs"), `s3-${region}.log`),
    ports: { s3: options.port ?? null },
    async command(ports) {
      if (options.accessKey === undefined) {
        accessKey = { ...accessKey, secretAccessKey: await keptSecret(join(directory, "secret-access-key")) };
      }
      return versitygwCommand(program, directory, { ports, region, accessKey, environment });
    },
    probe: async (ports) => (await fetch(endpointOf(ports) + healthPath, { signal: AbortSignal.timeout(2000) })).ok,
    // Some file systems keep no extended attributes; the server then keeps what S3 says of objects in files beside them.
    async mend(lines) {
      if (!lines.some((line) => line.includes("xattr check failed"))) return false;
      await mkdir(sidecarOf(directory), { recursive: true, mode: 0o700 });
      return true;
    },
    async complete(ports, signal) {
      await makeBucket({ endpoint: endpointOf(ports), region, bucket, accessKey }, signal);
    },
    stopSignal: "SIGTERM",
    startMilliseconds: 20_000,
    stopMilliseconds: 10_000,
    failure: { type: "StorageUnavailable", remedy: "Or use an S3 of your own with AWS_ENDPOINT_URL_S3." },
  };
  const part = await SharedPart.open(definition, options);
  return { part, endpoint: endpointOf(part.ports), region, bucket, accessKey, stop: () => part.stop() };
}

function endpointOf(ports: Ports): string {
  return `http://127.0.0.1:${ports["s3"]}`;
}

function sidecarOf(directory: string): string {
  return join(directory, "attributes");
}

async function versitygwCommand(
  program: string,
  directory: string,
  settings: { ports: Ports; region: string; accessKey: AccessKey; environment: NodeJS.ProcessEnv },
): Promise<PartCommand> {
  const { ports, region, accessKey, environment } = settings;
  const withSidecar = await stat(sidecarOf(directory)).catch(() => null);
  const args = [
    ...["--port", `127.0.0.1:${ports["s3"]}`, "--region", region, "--health", healthPath, "--quiet"],
    // Off by itself: every request would make a connection of its own.
    "--keep-alive",
    ...["--max-connections", "1000", "--max-requests", "1000"],
    ...["posix", "--dir-perms", "0700", "--file-perms", "0600"],
    ...(withSidecar === null ? [] : ["--sidecar", sidecarOf(directory)]),
    join(directory, "buckets"),
  ];
  // Not as arguments: those are for everybody on the machine to read.
  const variables = { ROOT_ACCESS_KEY_ID: accessKey.accessKeyId, ROOT_SECRET_ACCESS_KEY: accessKey.secretAccessKey };
  return { file: program, args, variables, inherited: serviceEnvironment(environment), directory };
}
