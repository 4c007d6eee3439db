// Removes from node_modules what an image for one platform never loads: the builds of the SDK's core for the others.
//   node scripts/prune-image.mjs [FOLDER]     FOLDER holds node_modules; default: the repository
import { existsSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = process.argv[2] ?? fileURLToPath(new URL("..", import.meta.url));
const releases = join(root, "node_modules/@temporalio/core-bridge/releases");
const architecture = { x64: "x86_64", arm64: "aarch64" }[process.arch];
const system = { linux: "unknown-linux-gnu", darwin: "apple-darwin" }[process.platform];
const own = `${architecture}-${system}`;
if (!existsSync(join(releases, own))) {
  console.error(`${releases} has no build for ${own}: nothing was removed.`);
  process.exit(1);
}
for (const name of readdirSync(releases)) {
  if (name !== own) rmSync(join(releases, name), { recursive: true });
}
console.log(`Kept the core's build for ${own}.`);
