import { mkdir } from "node:fs/promises";
import { join, resolve } from "node:path";
import { chooseServices, type ServiceChoice } from "./choose-services.ts";
import { startLocalTextract, textractAddress } from "./local-textract.ts";
import { startPostgres } from "./postgres.ts";
import type { Report, StartOptions } from "./report.ts";
import { type EmbeddedS3, startS3 } from "./s3.ts";
import { makeBucket } from "./s3-bucket.ts";
import type { SharedPart } from "./shared-part.ts";
import { databaseVariables, storageVariables, temporalVariables, textractVariables } from "./stack-environment.ts";
import { startTemporal } from "./temporal.ts";

export interface StackOptions {
  /** Where data, logs and secrets lie, for example `.docket`; made owner-only. */
  dataDirectory: string;
  /** What the user configured. Default: `process.env`. */
  environment?: NodeJS.ProcessEnv;
  /** Told of every step, of parts that end by themselves, and of their restarts. */
  report?: Report;
  /** Ends the start; what was started is stopped again. */
  signal?: AbortSignal;
  /** Runs what asks a service that is not ours, again where that is down for now. Default: once. */
  through?<T>(run: () => Promise<T>): Promise<T>;
}

/** One server that the stack consists of. */
export interface StackPart {
  name: string;
  /** Host and port, or a URL; never with a password. */
  address: string;
  /** Null for what is not ours. */
  pid: number | null;
  kind: "embedded" | "external";
}

/** All servers that Docket needs, ready to be used. */
export interface Stack {
  /** Variables for `src/config.ts` and the AWS SDK, on top of the user's own; an empty value means unset. */
  environment: Record<string, string>;
  /** Temporal's Web UI; null where Temporal is not ours. */
  webUi: string | null;
  /** The parts as they run now. */
  readonly parts: StackPart[];
  /** Address below which the local Textract endpoint tells of its jobs; null where it is not ours. */
  textractStatus: string | null;
  /** Rejects when a part keeps ending and is given up; the error says which and why. */
  failed: Promise<never>;
  /** Gives all parts up; each is stopped by the last process that uses it. */
  stop(): Promise<void>;
}

/**
 * Brings up whatever the environment does not name: PostgreSQL, Temporal with its Web UI, S3 and Textract, on loopback,
 * with data in one folder. Servers that run already with this folder are used, whoever started them.
 * @throws {DocketError} of the part that cannot be had, with what would help; the signal's reason when aborted
 */
export async function startStack(options: StackOptions): Promise<Stack> {
  const dataDirectory = resolve(options.dataDirectory);
  const environment = options.environment ?? process.env;
  const choice = chooseServices(environment);
  await mkdir(dataDirectory, { recursive: true, mode: 0o700 });

  const failing = new AbortController();
  const signal = options.signal ? AbortSignal.any([options.signal, failing.signal]) : failing.signal;
  const stack = new StackBuilder(dataDirectory, choice, {
    environment,
    report: options.report,
    signal,
    through: options.through ?? ((run) => run()),
  });
  const starts = [stack.startDatabase(), stack.startTemporal(), stack.startStorageAndTextract()].map((start) =>
    // One that cannot be had ends the wait for the others.
    start.catch((error) => {
      failing.abort(error);
      throw error;
    }),
  );
  await Promise.allSettled(starts);
  if (failing.signal.aborted) {
    await stack.stop();
    throw failing.signal.reason;
  }
  return stack.built();
}

type BuilderOptions = StartOptions & { environment: NodeJS.ProcessEnv; through: NonNullable<StackOptions["through"]> };

class StackBuilder {
  readonly #directory: string;
  readonly #choice: ServiceChoice;
  readonly #options: BuilderOptions & { logDirectory: string };
  readonly #environment: Record<string, string> = {};
  readonly #embedded: { name: string; part: SharedPart }[] = [];
  readonly #external: StackPart[] = [];
  #webUi: string | null = null;
  #textractStatus: string | null = null;

  constructor(directory: string, choice: ServiceChoice, options: BuilderOptions) {
    this.#directory = directory;
    this.#choice = choice;
    this.#options = { ...options, logDirectory: join(directory, "logs") };
  }

  async startDatabase(): Promise<void> {
    const { databaseUrl } = this.#choice;
    if (databaseUrl !== null) {
      Object.assign(this.#environment, databaseVariables(databaseUrl));
      this.#addExternal("PostgreSQL", URL.canParse(databaseUrl) ? new URL(databaseUrl).host : "DATABASE_URL");
      return;
    }
    const { part, url } = await startPostgres(join(this.#directory, "postgres"), this.#options);
    this.#embedded.push({ name: "PostgreSQL", part });
    Object.assign(this.#environment, databaseVariables(url));
  }

  async startTemporal(): Promise<void> {
    const { temporalAddress } = this.#choice;
    if (temporalAddress !== null) {
      Object.assign(this.#environment, temporalVariables(temporalAddress));
      this.#addExternal("Temporal", temporalAddress);
      return;
    }
    const part = await startTemporal({ ...this.#options, directory: join(this.#directory, "temporal") });
    this.#embedded.push({ name: "Temporal", part });
    Object.assign(this.#environment, temporalVariables(`127.0.0.1:${part.ports["frontend"]}`), {
      TEMPORAL_NAMESPACE: "default",
      // What the user has for a server elsewhere must not reach this one.
      TEMPORAL_TLS: "false",
      TEMPORAL_API_KEY: "",
    });
    this.#webUi = `http://127.0.0.1:${part.ports["webUi"]}`;
  }

  async startStorageAndTextract(): Promise<void> {
    const { choice, s3 } = { choice: this.#choice, s3: await this.#startS3() };
    const storage = storageVariables(choice, s3);
    Object.assign(this.#environment, storage);
    if (choice.textract.kind !== "embedded") {
      const endpoint = choice.textract.kind === "aws" ? null : choice.textract.endpoint;
      this.#addExternal("Textract", endpoint ?? `AWS, ${choice.region}`);
      Object.assign(this.#environment, textractVariables(endpoint, null));
      return;
    }
    const directory = join(this.#directory, "textract");
    const part = await startLocalTextract({ ...this.#options, directory, region: choice.region, storage });
    this.#embedded.push({ name: "Textract", part });
    this.#textractStatus = textractAddress(part.ports);
    Object.assign(this.#environment, textractVariables(this.#textractStatus, this.#options.environment));
  }

  async #startS3(): Promise<EmbeddedS3 | null> {
    const { s3, bucket, region, makesBucket, accessKey } = this.#choice;
    if (s3.kind === "embedded") {
      const directory = join(this.#directory, "s3");
      const server = await startS3({ ...this.#options, directory, region, bucket, accessKey: accessKey ?? undefined });
      this.#embedded.push({ name: "S3", part: server.part });
      return server;
    }
    this.#addExternal("S3", s3.kind === "aws" ? `AWS, bucket ${bucket}` : s3.endpoint);
    if (s3.kind === "endpoint" && makesBucket) {
      await this.#options.through(() => makeBucket({ endpoint: s3.endpoint, region, bucket }, this.#options.signal));
    }
    return null;
  }

  #addExternal(name: string, address: string): void {
    this.#external.push({ name, address, pid: null, kind: "external" });
    this.#options.report?.({ step: name, detail: address, state: "external" });
  }

  built(): Stack {
    const [embedded, external] = [this.#embedded, this.#external];
    const failed = Promise.race(embedded.map(({ part }) => part.failed));
    failed.catch(() => {});
    return {
      environment: this.#environment,
      webUi: this.#webUi,
      textractStatus: this.#textractStatus,
      failed,
      stop: () => this.stop(),
      get parts(): StackPart[] {
        const ours = embedded.map(({ name, part }): StackPart => {
          return { name, address: `127.0.0.1:${Object.values(part.ports)[0]}`, pid: part.pid, kind: "embedded" };
        });
        return [...ours, ...external];
      },
    };
  }

  /** Textract first, because it reads from S3; the others know nothing of each other. */
  async stop(): Promise<void> {
    const textract = this.#embedded.filter(({ name }) => name === "Textract");
    const others = this.#embedded.filter(({ name }) => name !== "Textract");
    // One that cannot be stopped keeps none of the others running.
    const ends = await Promise.allSettled(textract.map(({ part }) => part.stop()));
    ends.push(...(await Promise.allSettled(others.map(({ part }) => part.stop()))));
    for (const end of ends) if (end.status === "rejected") throw end.reason;
  }
}
