import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { DocketError } from "../contract/failures.ts";
import { boundedNode, childEnvironment, planMemory, residentBytes } from "./child-memory.ts";
import type { DrawAnswer, DrawJob } from "./draw-protocol.ts";

const childScript = fileURLToPath(new URL("./draw-child.js", import.meta.url));
const watchMilliseconds = 100;

/** What one drawing may take. */
export interface DrawLimits {
  /** Resident memory of the child process, bytes. */
  memoryBytes: number;
  milliseconds: number;
}

/**
 * Draws one page of a document's file as a grey PNG file, in a child process with limits of its own, so that no page can
 * harm the process that asks.
 * @returns the picture's size, pixels
 * @throws {DocketError} what is wrong with the document; `OutOfMemory`, `OutOfTime`, `RecognizerCrashed`
 */
export async function drawPageFile(
  job: Omit<DrawJob, "engineBytes">,
  limits: DrawLimits,
): Promise<{ width: number; height: number }> {
  const plan = planMemory(limits.memoryBytes);
  const { command, arguments: parameters } = await boundedNode(childScript, plan, limits.milliseconds);
  const child = spawn(command, parameters, { env: childEnvironment, stdio: ["ignore", "ignore", "ignore", "ipc"] });
  let answer: DrawAnswer | undefined;
  let killedFor: DocketError | undefined;
  const kill = (type: "OutOfMemory" | "OutOfTime", why: string) => {
    killedFor ??= new DocketError(type, `${job.name}: page ${job.page} was not drawn: ${why}.`);
    child.kill("SIGKILL");
  };
  const clock = setTimeout(
    () => kill("OutOfTime", `it took longer than ${limits.milliseconds / 1000} s`),
    limits.milliseconds,
  );
  const watch = setInterval(async () => {
    const resident = child.pid === undefined ? undefined : await residentBytes(child.pid);
    if (resident !== undefined && resident.total > limits.memoryBytes)
      kill("OutOfMemory", "it took more memory than is allowed");
  }, watchMilliseconds);
  try {
    await new Promise<void>((resolve, reject) => {
      child.once("error", reject);
      child.once("close", () => resolve());
      child.on("message", (message: DrawAnswer) => {
        answer = message;
      });
      // A child that is gone already is told of by its end, one that never was (then it has no channel) by its error.
      child.send?.({ ...job, engineBytes: plan.engineBytes } satisfies DrawJob, () => {});
    });
  } finally {
    clearTimeout(clock);
    clearInterval(watch);
  }
  if (answer?.kind === "drawn") return { width: answer.width, height: answer.height };
  if (answer !== undefined) throw new DocketError(answer.failure.type, answer.failure.message, answer.failure);
  throw killedFor ?? new DocketError("RecognizerCrashed", `${job.name}: page ${job.page} ended the drawing process.`);
}
