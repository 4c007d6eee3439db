import { existsSync, readdirSync, readFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { startStack } from "#docket/local/stack";

// Outlives the test run: vitest ends at once when it is interrupted or killed, without its teardown. When the run is gone
// and has not said that it put everything in order, the stack and the processes that tests started are ended here.

const [dataDirectory = "", mark = ""] = process.argv.slice(2);
// Ctrl-C is sent to everybody in the terminal; it is what this process is for.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => {});

let said = "";
for await (const chunk of process.stdin) said += chunk;
if (said !== "in order" && existsSync(dataDirectory)) {
  for (const pid of processesOfTheRun()) end(pid);
  const { TEMPORAL_ADDRESS: _, DATABASE_URL: __, ...environment } = process.env;
  // Whoever comes to a stack last, and leaves it, stops it.
  const stack = await startStack({ dataDirectory, environment });
  await stack.stop();
  await rm(dataDirectory, { recursive: true, force: true });
}

/** All that inherited the run's mark; Linux tells it, elsewhere they end by themselves without their services. */
function processesOfTheRun() {
  if (process.platform !== "linux") return [];
  return readdirSync("/proc").filter((name) => {
    if (!/^\d+$/.test(name) || Number(name) === process.pid) return false;
    try {
      return readFileSync(`/proc/${name}/environ`, "utf8").split("\0").includes(mark);
    } catch {
      return false;
    }
  });
}

function end(pid) {
  try {
    process.kill(Number(pid), "SIGKILL");
  } catch {
    // It has ended meanwhile.
  }
}
