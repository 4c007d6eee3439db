// @ts-check
// Makes the documents of this folder, each with its ground truth: `node samples/make.mjs` (about a minute).
// Named documents only, elsewhere: `node samples/make.mjs --out DIR invoice court-order`.
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { recipes } from "./make/recipes.mjs";

const { values, positionals } = parseArgs({ options: { out: { type: "string" } }, allowPositionals: true });
const folder = values.out ?? fileURLToPath(new URL(".", import.meta.url));
const unknown = positionals.filter((name) => !Object.hasOwn(recipes, name));
if (unknown.length > 0) {
  console.error(`No such sample: ${unknown.join(", ")}. There are: ${Object.keys(recipes).join(", ")}.`);
  process.exit(1);
}

await mkdir(folder, { recursive: true });
for (const [name, recipe] of Object.entries(recipes)) {
  if (positionals.length > 0 && !positionals.includes(name)) continue;
  const { extension, data, pages } = await recipe();
  await writeFile(join(folder, `${name}.${extension}`), data);
  // Every page ends with a line feed; a form feed stands between two pages.
  await writeFile(join(folder, `${name}.txt`), pages.map((page) => `${page}\n`).join("\f"));
  console.log(`${name}.${extension}: ${pages.length} pages, ${data.length} bytes`);
}
