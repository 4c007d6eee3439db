import { readdir, readFile } from "node:fs/promises";
import { DefaultLogger, Runtime } from "@temporalio/worker";
import { describe, expect, it } from "vitest";
import manifest from "../package.json" with { type: "json" };
import { readHistory, replay } from "./support/replay-history.ts";
import { historiesUrl, isOfBranch, readBranches, stepsOf } from "./support/workflow-branches.ts";

// What a changed workflow does wrong is told by the test, not by the SDK's log.
Runtime.install({ logger: new DefaultLogger("ERROR", () => {}) });

const code = await readFile(new URL("../dist/workflow-bundle.js", import.meta.url), "utf8");
const paths = (await readdir(historiesUrl, { recursive: true }))
  .filter((path) => path.includes("/") && path.endsWith(".json"))
  .sort();
const branches = await readBranches();

it("there are recorded histories to replay", () => expect(paths.length).toBeGreaterThanOrEqual(branches.length));

it.each(paths)("%s replays with today's workflow code", async (path) => {
  await replay(path, await readHistory(path), code);
});

describe(`the histories of release ${manifest.version}`, () => {
  it.each(branches)("have the branch $name of $workflow", async (branch) => {
    // A branch without one: npm run record-histories.
    const history = await readHistory(`${manifest.version}/${branch.name}.json`);
    expect(stepsOf(history)).toMatch(new RegExp(branch.steps));
    expect(isOfBranch(history, branch)).toBe(true);
  });

  it("have every activity and every workflow that there is", async () => {
    const names = async (path: string, pattern: RegExp) =>
      [...(await readFile(path, "utf8")).matchAll(pattern)].map(([, name]) => name).sort();
    const activities = await names("src/activities/index.ts", /^ {4}(\w+): create\w+\(/gm);
    const workflows = await names("src/workflows/index.ts", /^export \{ (\w+) \}/gm);
    expect(activities.length).toBeGreaterThan(15);
    const steps = new Set<string>();
    for (const { name } of branches) {
      for (const step of stepsOf(await readHistory(`${manifest.version}/${name}.json`)).split(" ")) steps.add(step);
    }
    expect(activities.filter((name) => !steps.has(name ?? ""))).toEqual([]);
    expect([...new Set(branches.map(({ workflow }) => workflow))].sort()).toEqual(workflows);
  });
});

describe("a workflow that was changed without patched() fails with the history, the event and the line", () => {
  const path = `${manifest.version}/textract-complete.json`;

  it.each([
    [
      "another step in the place of one",
      "run.storage.writeMetadata(",
      "run.storage.checkPrerequisites(",
      /event \d+, writeMetadata \(src\/workflows\/process-document\.ts:\d+\)/,
    ],
    [
      "a step that is left out",
      'story.step("writeMetadata", () =>',
      'story.step("writeMetadata", async () => null &&',
      /event \d+, writeMetadata \(src\/workflows\/process-document\.ts:\d+\)/,
    ],
  ])("%s", async (_, before, after, place) => {
    const changed = code.replace(before, after);
    expect(changed).not.toBe(code);
    const problem: Error = await replay(path, await readHistory(path), changed).catch((error) => error);
    expect(problem.message).toContain(`${path} does not replay`);
    expect(problem.message).toMatch(place);
    expect(problem.message).toContain("patched()");
  });
});
