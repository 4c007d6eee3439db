// Records histories of a release's workflows for the replay test, one for each branch of test/histories/branches.json:
//   node scripts/record-histories.mjs [--list | --again]
// runs the tests that take the branches without a history in test/histories/RELEASE, and keeps one of each. --list only
// tells which branches have one; --again records all of them anew.
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";

const read = (/** @type {string} */ path) => JSON.parse(readFileSync(new URL(`../${path}`, import.meta.url), "utf8"));
const { version } = read("package.json");
/** @type {{ name: string, workflow: string, test: string }[]} */
const branches = read("test/histories/branches.json");
const isRecorded = (/** @type {{ name: string }} */ { name }) =>
  existsSync(new URL(`../test/histories/${version}/${name}.json`, import.meta.url));
const [option] = process.argv.slice(2);
if (option !== undefined && option !== "--list" && option !== "--again") {
  console.error("Usage: node scripts/record-histories.mjs [--list | --again]");
  process.exit(1);
}

const wanted = branches.filter((branch) => option === "--again" || !isRecorded(branch));
if (option !== "--list" && wanted.length > 0) {
  const tests = [...new Set(wanted.map(({ test }) => `test/${test}.test.ts`))];
  const DOCKET_RECORD_HISTORIES = option === "--again" ? "again" : "missing";
  const { status } = spawnSync("npx", ["vitest", "run", ...tests], {
    env: { ...process.env, DOCKET_RECORD_HISTORIES },
    stdio: "inherit",
  });
  if (status !== 0) process.exit(status ?? 1);
}
for (const branch of branches) {
  console.log(`${isRecorded(branch) ? "recorded" : "MISSING "}  ${version}  ${branch.workflow}  ${branch.name}`);
}
process.exit(branches.every(isRecorded) ? 0 : 1);
