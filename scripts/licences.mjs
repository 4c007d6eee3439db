// `npm run licences`: the licence of every package of package-lock.json, counted, and what is not allowed.
//   node scripts/licences.mjs [LOCKFILE] [--json]
// What is installed for production must have one of the allowed licences. Tools of development may also have those of
// `toolsOnly`: nothing of them is handed on.
import { existsSync, readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";

const allowed = [
  ...["0BSD", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "ISC", "MIT", "MPL-2.0"],
  ...["BlueOak-1.0.0", "Unlicense", "Zlib"],
];
const toolsOnly = ["CC-BY-4.0", "EPL-2.0"];
/** Allowed for these packages alone. */
const excepted = {
  "caniuse-lite": "CC-BY-4.0", // data that the workflow bundler looks at; naming its source is all that it asks
};
// Packages that state none where npm looks for it, with where it is stated.
const stated = {
  "seq-queue": "MIT", // its LICENSE file
  unionfs: "Unlicense", // its LICENSE file
};

const asJson = process.argv.includes("--json");
const [lockFile = new URL("../package-lock.json", import.meta.url).pathname] = process.argv
  .slice(2)
  .filter((argument) => !argument.startsWith("--"));
const { packages } = JSON.parse(readFileSync(lockFile, "utf8"));
const rows = Object.entries(packages)
  .filter(([path]) => path.startsWith("node_modules/"))
  .map(([path, entry]) => {
    const name = path.slice(path.lastIndexOf("node_modules/") + "node_modules/".length);
    const licence = entry.license ?? stated[name] ?? manifestLicence(path) ?? "none stated";
    const forProduction = entry.dev !== true && entry.devOptional !== true;
    return {
      name,
      version: entry.version,
      licence,
      forProduction,
      ok: excepted[name] === licence || isAllowed(licence, forProduction),
    };
  });

if (asJson) console.log(JSON.stringify(rows, null, 1));
else {
  const counts = new Map();
  for (const { licence } of rows) counts.set(licence, (counts.get(licence) ?? 0) + 1);
  for (const [licence, count] of [...counts].sort((a, b) => b[1] - a[1])) console.log(`${count}\t${licence}`);
}
const refused = rows.filter(({ ok }) => !ok);
for (const { name, version, licence, forProduction } of refused) {
  const use = forProduction ? "production" : "development";
  console.error(
    `${name}@${version} (${use}): ${licence} is not allowed. Replace it, or decide about its licence here.`,
  );
}
if (!asJson) console.log(`${rows.length} packages, ${refused.length} refused`);
process.exit(refused.length === 0 ? 0 : 1);

/** An SPDX expression: one of alternatives is enough, all parts of a combination are needed. */
function isAllowed(expression, forProduction) {
  const list = forProduction ? allowed : [...allowed, ...toolsOnly];
  return expression
    .replace(/[()]/g, "")
    .split(/\s+or\s+/i)
    .some((alternative) => alternative.split(/\s+and\s+/i).every((part) => list.includes(part.trim())));
}

function manifestLicence(path) {
  const file = join(dirname(resolve(lockFile)), path, "package.json");
  if (!existsSync(file)) return undefined;
  const { license } = JSON.parse(readFileSync(file, "utf8"));
  return typeof license === "string" ? license : license?.type;
}
