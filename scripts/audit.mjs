// `npm run audit`: known vulnerabilities in what is installed for production, by the registry's own audit data.
//
// Fails on one that is high or critical, unless audit-exceptions.json excuses it by its advisory, with a reason and a
// last day; an exception that is over or fits nothing fails, too. A registry without audit data (some mirrors answer
// 404 or 405) is no failure, and is said out loud: nothing was audited then.
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";

const exceptionsFile = process.env.AUDIT_EXCEPTIONS ?? new URL("../audit-exceptions.json", import.meta.url);
const seconds = 120;
const failing = ["high", "critical"];

const run = spawnSync("npm", ["audit", "--omit=dev", "--json"], {
  encoding: "utf8",
  timeout: seconds * 1000,
  maxBuffer: 64 * 1024 * 1024,
  shell: process.platform === "win32",
});
if (run.error) fail(`npm audit did not end within ${seconds} s, or could not be started: ${run.error.message}`);

let report;
try {
  report = JSON.parse(run.stdout);
} catch {
  fail(`npm audit printed no JSON: ${run.stderr.trim().split("\n").at(-1)}`);
}
if (report.vulnerabilities === undefined) {
  const status = report.statusCode;
  if (![404, 405, 410, 501].includes(status)) fail(`The registry could not be asked: ${report.message ?? run.stderr}`);
  console.log(
    `NOT AUDITED: this registry has no audit data (it answered ${status}). Run \`npm run audit\` with one that has.`,
  );
  process.exit(0);
}

const exceptions = JSON.parse(readFileSync(exceptionsFile, "utf8"));
const today = new Date().toISOString().slice(0, 10);
const advisories = new Map();
for (const { via } of Object.values(report.vulnerabilities)) {
  for (const advisory of via) {
    // A string names another package of the report, whose advisories are there.
    if (typeof advisory === "object" && failing.includes(advisory.severity)) advisories.set(idOf(advisory), advisory);
  }
}

const problems = [];
for (const [id, { name, severity, title, url, range }] of advisories) {
  const exception = exceptions.find(({ advisory }) => advisory === id);
  if (exception === undefined) problems.push(`${severity}: ${name} ${range}: ${title} (${url})`);
  else console.log(`excused until ${exception.until}: ${id} in ${name}: ${exception.reason}`);
}
for (const { advisory, reason, until } of exceptions) {
  if (!advisory || !reason || !/^\d{4}-\d{2}-\d{2}$/.test(until ?? "")) {
    problems.push(
      `an exception lacks advisory, reason or until (YYYY-MM-DD): ${JSON.stringify({ advisory, reason, until })}`,
    );
  } else if (until < today) problems.push(`the exception for ${advisory} ended on ${until}`);
  else if (!advisories.has(advisory)) problems.push(`the exception for ${advisory} fits nothing any more: remove it`);
}
if (problems.length > 0) fail(problems.join("\n"));
const { total } = report.metadata.vulnerabilities;
console.log(
  `audited ${report.metadata.dependencies.prod} packages: nothing high or critical unexcused, ${total} known in all`,
);

/** `GHSA-...`, the last part of the advisory's address; its number where there is none. */
function idOf({ url, source }) {
  return /GHSA(?:-\w{4}){3}/.exec(url ?? "")?.[0] ?? String(source);
}

function fail(message) {
  console.error(message);
  process.exit(1);
}
