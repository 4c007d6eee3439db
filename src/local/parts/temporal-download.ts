import { lookup } from "node:dns/promises";
import { createWriteStream } from "node:fs";
import { chmod, mkdtemp, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { ReadableStream } from "node:stream/web";
import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import type { StartOptions } from "../report.ts";
import { WayNotOpen } from "./go-install.ts";
import { runProgram } from "./run-program.ts";

// Where the Temporal SDKs fetch the development server from (sdk-core, `ephemeral_server`): one request tells the
// archive's address and the file in it.
const defaultService = "https://temporal.download";
const resolveMilliseconds = 2000;
const downloadMilliseconds = 15 * 60_000;
const largestArchiveBytes = 500_000_000;
const progressMilliseconds = 3000;

const infoSchema = z.object({
  archiveUrl: z.url(),
  // Goes to tar as an argument: a plain path below the archive's root.
  fileToExtract: z.string().regex(/^(?!-)(?!.*\.\.)[\w./-]+$/),
});

/**
 * Fetches the Temporal CLI as Temporal's own SDKs do, where the download service can be reached: a network without a
 * way out is recognised by its name service and not tried.
 * @param service base address of the download service
 * @throws {WayNotOpen} with the reason
 */
export async function downloadTemporal(
  version: string,
  target: string,
  options: StartOptions,
  service = defaultService,
): Promise<void> {
  const { hostname } = new URL(service);
  const resolved = lookup(hostname).then(
    () => true,
    () => false,
  );
  if (!(await Promise.race([resolved, sleep(resolveMilliseconds, false)]))) {
    throw new WayNotOpen(`the download service ${hostname} is not reachable from here`);
  }
  const cache = join(target, "..");
  const folder = await mkdtemp(join(cache, ".download-"));
  try {
    const program = await downloadInto(folder, version, service, options);
    await chmod(program, 0o755);
    await rename(program, target);
  } catch (error) {
    options.signal?.throwIfAborted();
    throw error instanceof WayNotOpen
      ? error
      : new WayNotOpen(`the download from ${hostname} failed: ${whatWentWrong(error)}`);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function downloadInto(folder: string, version: string, service: string, options: StartOptions): Promise<string> {
  const started = Date.now();
  const timeout = AbortSignal.timeout(downloadMilliseconds);
  const signal = options.signal ? AbortSignal.any([options.signal, timeout]) : timeout;
  const question = new URLSearchParams({
    arch: process.arch === "x64" ? "amd64" : process.arch,
    platform: process.platform,
    format: "tar.gz",
  });
  const answer = await fetch(`${service}/cli/v${version}?${question}`, { signal });
  if (!answer.ok) throw new WayNotOpen(`the download service answers ${answer.status} for version ${version}`);
  const { archiveUrl, fileToExtract } = infoSchema.parse(await answer.json());

  const archive = join(folder, "archive.tar.gz");
  await fetchFile(archiveUrl, archive, signal, options);
  const { code, lines } = await runProgram("tar", ["-xzf", archive, "-C", folder, fileToExtract], { signal });
  if (code !== 0) throw new WayNotOpen(`the downloaded archive cannot be unpacked: ${lines.slice(-2).join(" | ")}`);
  const program = join(folder, fileToExtract);
  const { size } = await stat(program);
  const milliseconds = Date.now() - started;
  options.report?.({ step: "the Temporal server", detail: "downloaded", state: "done", bytes: size, milliseconds });
  return program;
}

async function fetchFile(url: string, path: string, signal: AbortSignal, { report }: StartOptions): Promise<void> {
  const answer = await fetch(url, { signal });
  if (!answer.ok || answer.body === null) throw new WayNotOpen(`the archive's server answers ${answer.status}`);
  const total = Number(answer.headers.get("content-length")) || undefined;
  let bytes = 0;
  let told = 0;
  async function* counted(chunks: AsyncIterable<Uint8Array>) {
    for await (const chunk of chunks) {
      bytes += chunk.length;
      if (bytes > largestArchiveBytes) throw new WayNotOpen(`the archive is larger than ${largestArchiveBytes} bytes`);
      if (Date.now() - told > progressMilliseconds) {
        told = Date.now();
        const share = total === undefined ? "" : `, ${Math.floor((100 * bytes) / total)}%`;
        const detail = `downloading (once per user)${share}`;
        report?.({ step: "the Temporal server", detail, state: "progress", bytes });
      }
      yield chunk;
    }
  }
  await pipeline(Readable.fromWeb(answer.body as ReadableStream<Uint8Array>), counted, createWriteStream(path), {
    signal,
  });
}

function whatWentWrong(error: unknown): string {
  const { message, cause } = error as Error;
  return cause instanceof Error ? `${message} (${cause.message})` : message;
}
