import { setTimeout as sleep } from "node:timers/promises";
import type { Content } from "./contents.ts";
import type { FaultName } from "./faults.ts";
import { processOne, upload } from "./hand-in.ts";
import { forgetFaults, inject } from "./inject.ts";
import { type Followed, findViolations, mebibytes, memoryViolations } from "./invariants.ts";
import { watchMemory } from "./memory-watch.ts";
import type { Plan, PlannedDocument } from "./plan.ts";
import { startWorld, type World } from "./world.ts";

/** What a run was and what it showed; the last line of the output. */
export interface ChaosReport {
  seed: number;
  documents: number;
  complete: number;
  failed: number;
  /** Documents that lack pages, which a fault took from the second try too. */
  incomplete: number;
  /** Complete documents of which a job could not read some pages: the second try did. */
  cured: number;
  /** How often each kind of fault was made. */
  faults: Partial<Record<FaultName, number>>;
  violations: string[];
  /** MiB by process. */
  peakMemory: Record<string, number>;
  seconds: number;
}

/**
 * One run: everything is started, each content is read once in peace, then the documents are handed in while faults
 * come, and at the end the invariants are looked at. Ends all that it started.
 */
export async function runChaos(
  plan: Plan,
  contents: readonly Content[],
  options: { say(line: string): void; signal: AbortSignal; keep: boolean },
): Promise<ChaosReport> {
  const { say } = options;
  const began = Date.now();
  const world = await startWorld(options);
  const memory = watchMemory(() => world.processIds());
  try {
    const calm = await readInPeace(world, plan, contents, options);
    say(`calm run: ${calm.size} texts`);
    const { followed, faults } = await underFaults(world, plan, calm, options);
    say("looking at the invariants");
    const violations = [...(await findViolations(world, followed)), ...memoryViolations(memory.peaks)];
    const statuses = await world.database.document.groupBy({
      by: ["status"],
      where: { project: { slug: { startsWith: "chaos-" } } },
      _count: true,
    });
    const cured = await world.database.document.count({
      where: {
        project: { slug: { startsWith: "chaos-" } },
        status: "complete",
        textractJobs: { some: { NOT: { pageNumbers: { isEmpty: true } } } },
      },
    });
    const count = (status: string) => statuses.find((group) => group.status === status)?._count ?? 0;
    return {
      seed: plan.seed,
      documents: plan.documents.length,
      complete: count("complete"),
      failed: count("failed"),
      incomplete: count("incomplete"),
      cured,
      faults,
      violations,
      peakMemory: Object.fromEntries([...memory.peaks].map(([name, bytes]) => [name, mebibytes(bytes)])),
      seconds: Math.round((Date.now() - began) / 1000),
    };
  } finally {
    memory.stop();
    await world.stop();
  }
}

const key = (document: Pick<PlannedDocument, "content" | "engine">) => `${document.content.name}-${document.engine}`;

/** The text of each page of everything that the plan needs, before anything breaks. */
async function readInPeace(
  world: World,
  plan: Plan,
  contents: readonly Content[],
  { signal }: { signal: AbortSignal },
): Promise<Map<string, string[]>> {
  const needed = new Set(plan.documents.map(key));
  const texts = new Map<string, string[]>();
  const readable = contents.filter(({ fails }) => fails === null);
  const calm = readable.flatMap((content) => content.engines.map((engine) => ({ content, engine })));
  await Promise.all(
    calm
      .filter((document) => needed.has(key(document)))
      .map(async ({ content, engine }) => {
        const handIn = { at: 0, sameWorkflow: true };
        const document = { content, engine, project: `calm-${engine}`, handIns: [handIn] };
        const name = `calm-${key(document)}`;
        const location = await upload(world, name, document);
        const { documentId, failureType } = await processOne(world, name, document, handIn, location, signal);
        if (failureType !== null) throw new Error(`${name} failed without any fault: ${failureType}`);
        const pages = await world.database.page.findMany({
          where: { documentId: documentId ?? "" },
          select: { text: true },
          orderBy: { number: "asc" },
        });
        texts.set(
          key(document),
          pages.map(({ text }) => text),
        );
      }),
  );
  return texts;
}

// Faults that are left then would only make everybody wait: an open breaker lets one request through every 15 seconds.
const lingerMilliseconds = 8000;

async function underFaults(
  world: World,
  plan: Plan,
  calm: ReadonlyMap<string, string[]>,
  { say, signal }: { say(line: string): void; signal: AbortSignal },
): Promise<{ followed: Followed[]; faults: ChaosReport["faults"] }> {
  const followed: Followed[] = [];
  const locations = new Map<PlannedDocument, { bucket: string; key: string }>();
  for (const [index, planned] of plan.documents.entries()) {
    const name = `chaos-${index + 1}-${key(planned)}`;
    locations.set(planned, await upload(world, name, planned));
    followed.push({ name, planned, ends: [], calmPages: calm.get(key(planned)) ?? null });
  }
  const began = Date.now();
  const tell = (what: string) => say(`${((Date.now() - began) / 1000).toFixed(1).padStart(6)} s  ${what}`);
  const until = (at: number) => sleep(Math.max(0, began + at - Date.now()), undefined, { signal });
  let open = plan.documents.reduce((sum, { handIns }) => sum + handIns.length, 0);
  const faults: ChaosReport["faults"] = {};

  const processing = followed.flatMap(({ name, planned, ends }) =>
    planned.handIns.map(async (handIn) => {
      const location = locations.get(planned);
      if (location === undefined) throw new Error(`${name} was not uploaded`);
      await until(handIn.at);
      const end = await processOne(world, name, planned, handIn, location, signal);
      ends.push(end);
      open--;
      tell(`${end.workflowId}: ${end.failureType ?? "complete"}`);
    }),
  );
  const breaking = plan.faults.map(async (fault) => {
    await until(fault.at);
    if (!(await inject(world, fault))) return;
    faults[fault.name] = (faults[fault.name] ?? 0) + 1;
    tell(`${fault.name} ${JSON.stringify(fault.action)}`);
  });
  const calming = until(plan.windowMilliseconds + lingerMilliseconds).then(async () => {
    await forgetFaults(world);
    tell("no more faults");
  });
  const telling = setInterval(() => say(`${open} workflows are open`), 10_000);
  try {
    await Promise.race([world.failed, Promise.all([...processing, ...breaking, calming])]);
  } catch (error) {
    if (!signal.aborted) throw error;
    const waiting = followed.filter(({ ends, planned }) => ends.length < planned.handIns.length);
    throw new Error(`time is over, and these have not ended: ${waiting.map(({ name }) => name).join(", ")}`);
  } finally {
    clearInterval(telling);
  }
  return { followed, faults };
}
