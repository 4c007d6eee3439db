// Does what the Dockerfile does, without a container engine: runs its COPY and RUN lines in a temporary folder, then starts
// the command from what the image would hold, and tells how large that is.
//   node scripts/check-image.mjs [FOLDER]     FOLDER keeps the result (must not exist); default: removed afterwards
import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const kept = process.argv[2];
if (kept !== undefined && existsSync(kept)) stop(`${kept} exists already.`);
const folder = kept === undefined ? mkdtempSync(join(tmpdir(), "docket-image-")) : resolve(kept);
const stages = { build: join(folder, "build"), image: join(folder, "image") };
for (const path of Object.values(stages)) mkdirSync(path, { recursive: true });

const dockerfile = readFileSync(join(root, "Dockerfile"), "utf8");
const [, imageNode = "?"] = /^ARG NODE_IMAGE=node:([\d.]+)/m.exec(dockerfile) ?? [];
let from = 0;
for (const line of instructions(dockerfile)) {
  if (line.startsWith("FROM ")) from++;
  const [, stage, paths = ""] = /^COPY (?:--from=(\w+) )?(.*)$/.exec(line) ?? [];
  if (paths !== "") copy(stage === undefined ? root : stages.build, from === 1 ? stages.build : stages.image, paths);
  // Of the second stage only packages and a folder for volumes are made, which have no place here.
  else if (line.startsWith("RUN ") && from === 1) run("sh", "-c", commandOf(line));
}

const docket = join(stages.image, "dist/cli/docket.js");
const version = run(process.execPath, docket, "--version").trim();
run(process.execPath, docket, "ocr", join(root, "samples/court-order.png"));
tryWorker();
const bytes = sizeOf(stages.image);
const parts = readdirSync(stages.image).map((name) => `${name} ${megabytes(sizeOf(join(stages.image, name)))}`);
console.log(`docket ${version} starts from what the image holds: ${megabytes(bytes)} MB (${parts.join(", ")}).`);
const { node } = process.versions;
console.log(node === imageNode ? `Node ${node}, as in the image.` : `By Node ${node}; the image has ${imageNode}.`);
if (kept === undefined) rmSync(folder, { recursive: true });

/** The lines of a Dockerfile that do something, joined where they go on. */
function instructions(/** @type {string} */ text) {
  return text
    .split("\n")
    .filter((line) => !line.startsWith("#"))
    .join("\n")
    .replace(/\\\n\s*/g, " ")
    .split("\n")
    .filter(Boolean);
}

/** A RUN line as a shell's command: mounts are the container engine's, and so is the folder of the cache. */
function commandOf(/** @type {string} */ line) {
  return line
    .slice("RUN ".length)
    .replace(/--mount=\S+ /g, "")
    .replace(/--cache \S+ /g, "");
}

function copy(/** @type {string} */ source, /** @type {string} */ target, /** @type {string} */ paths) {
  const names = paths.split(/\s+/).map((path) => path.replace(/^\/docket\//, ""));
  const destination = names.pop() ?? "";
  const into = destination.endsWith("/") || names.length > 1;
  for (const name of names) {
    // A single file that goes to "./" keeps its name; a folder's content goes into the folder named.
    const to = join(target, destination, into ? (name.split("/").at(-1) ?? "") : "");
    mkdirSync(dirname(to), { recursive: true });
    cpSync(join(source, name), to, { recursive: true, verbatimSymlinks: true });
  }
}

function run(/** @type {string} */ program, /** @type {string[]} */ ...args) {
  const cwd = from === 1 ? stages.build : stages.image;
  const { status, stdout, stderr } = spawnSync(program, args, { cwd, encoding: "utf8", timeout: 600_000 });
  if (status !== 0) stop(`${stdout}${stderr}\nThe image would stop at: ${program} ${args.join(" ")}\nLook into ${cwd}`);
  return stdout;
}

/** A worker loads all that it needs, and then finds no Temporal server at the address of nobody. */
function tryWorker() {
  const nobody = "127.0.0.1:9";
  const variables = {
    ...{ DATABASE_URL: `postgresql://${nobody}/none`, DOCKET_BUCKET: "none", TEMPORAL_ADDRESS: nobody },
    ...{ AWS_ENDPOINT_URL_S3: `http://${nobody}`, AWS_ENDPOINT_URL_TEXTRACT: `http://${nobody}` },
  };
  const { stderr } = spawnSync(process.execPath, [docket, "worker", "--queues", "documents", "--json"], {
    ...{ cwd: stages.image, encoding: "utf8", timeout: 120_000 },
    env: { ...process.env, ...variables },
  });
  if (!stderr.includes('"TemporalUnavailable"')) stop(`${stderr}\nA worker does not start. Look into ${stages.image}`);
}

function sizeOf(/** @type {string} */ path) {
  // As du counts: what the files take on the disk.
  return Number(run("du", "-sk", path).split("\t")[0]) * 1024;
}

function megabytes(/** @type {number} */ count) {
  return Math.round(count / 1e6);
}

/** @returns {never} */
function stop(/** @type {string} */ why) {
  console.error(why);
  process.exit(1);
}
