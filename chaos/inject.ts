import type { EndpointFault, PlannedFault } from "./faults.ts";
import type { World } from "./world.ts";

/**
 * Makes one fault.
 * @returns false where there is nothing to break at this moment: a part that is just being started again, say
 */
export async function inject(world: World, { action }: PlannedFault): Promise<boolean> {
  switch (action.do) {
    case "kill":
      return action.what === "worker" ? world.fleet.kill(action.index) : killPart(world, action.what, action.signal);
    case "endpoint":
      return postFault(world, action.fault);
    case "break":
      world.proxies[action.service].breakNext(action.moment, action.count);
      return true;
    case "notify":
      return notify(world, action);
  }
}

function killPart(world: World, name: string, signal: NodeJS.Signals): boolean {
  const pid = world.partId(name);
  if (pid === null) return false;
  try {
    return process.kill(pid, signal);
  } catch {
    return false;
  }
}

async function postFault(world: World, fault: object): Promise<boolean> {
  const body = JSON.stringify([fault]);
  // The endpoint itself may be down because of another fault.
  const answer = await fetch(`${world.textract}/faults`, { method: "POST", body }).catch(() => null);
  if (answer === null) return false;
  if (!answer.ok) throw new Error(`the endpoint refused a fault: ${await answer.text()}`);
  return true;
}

/** Signals that Textract's notifications would cause: of a job that is at work, or of one that nobody knows. */
async function notify(world: World, { jobs, times }: { jobs: "running" | "unknown"; times: number }): Promise<boolean> {
  try {
    const row = await world.database.textractJob.findFirst({
      where: { state: "submitted" },
      include: { document: true },
    });
    const workflowId = row?.document.workflowId;
    if (row === null || workflowId === undefined) return false;
    const jobId = jobs === "running" ? row.jobId : "0".repeat(64);
    for (let sent = 0; sent < times; sent++) {
      await world.temporal.workflow.getHandle(workflowId).signal("textractFinished", { jobId });
    }
    return true;
  } catch {
    // The database, Temporal or the workflow itself is gone by now.
    return false;
  }
}

// What happens to requests: the more are left, the longer everybody waits for the breaker.
const slowingKinds = new Set([
  ...["throttle", "no-slot", "internal-error", "reset-before", "reset-after", "slow-answer", "expired"],
]);

/** Takes back the faults that wait for a request or a connection; those of jobs and of their notifications stay. */
export async function forgetFaults(world: World): Promise<void> {
  for (const proxy of Object.values(world.proxies)) proxy.forget();
  const address = `${world.textract}/faults`;
  try {
    const { faults } = (await (await fetch(address)).json()) as { faults: EndpointFault[] };
    await fetch(address, { method: "DELETE" });
    const body = JSON.stringify(faults.filter(({ kind }) => !slowingKinds.has(kind)));
    await fetch(address, { method: "POST", body });
  } catch {
    // An endpoint that is down has forgotten them by itself.
  }
}
