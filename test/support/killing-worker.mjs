// A real worker process that ends itself with SIGKILL at one moment of one activity, the first time only: a marker
// file outlives it. KILL_STEP names the activity, KILL_MOMENT is "before" (taken, nothing done) or "after" (everything
// done, nothing reported).
import { existsSync, writeFileSync } from "node:fs";
import { activityInfo } from "@temporalio/activity";
import pino from "pino";
import { loadConfig } from "#docket/config";
import { runWorker } from "#docket/worker";

const { KILL_STEP, KILL_MOMENT, KILL_MARKER, WORKER_QUEUES } = process.env;

function dieOnce() {
  if (activityInfo().activityType !== KILL_STEP || existsSync(KILL_MARKER)) return;
  writeFileSync(KILL_MARKER, String(process.pid));
  process.kill(process.pid, "SIGKILL");
}

const killer = {
  async execute(input, next) {
    if (KILL_MOMENT === "before") dieOnce();
    const result = await next(input);
    if (KILL_MOMENT === "after") dieOnce();
    return result;
  },
};

await runWorker({
  config: loadConfig(),
  queues: WORKER_QUEUES.split(","),
  logger: pino({ level: "warn" }, pino.destination(2)),
  activityInterceptors: [() => ({ inbound: killer })],
  onReady: () => process.stdout.write("ready\n"),
});
