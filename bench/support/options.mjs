import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

/**
 * Reads a bench's options from its command line. `--help` prints the comment at the head of its file; what it does not
 * know, or a number that is none, ends it with exit code 1 and a line that says so.
 *
 * A default that is a number takes positive numbers and 0, `true` or `false` takes no value, `null` is a text that is
 * `null` where it is left out.
 *
 * @template {Record<string, number | string | boolean | null>} Defaults
 * @param {string} file the bench, as `import.meta.url`
 * @param {Defaults} defaults
 * @returns {{ [name in keyof Defaults]: Defaults[name] extends number ? number : Defaults[name] extends boolean ? boolean
 *   : Defaults[name] extends null ? string | null : string }}
 */
export function readOptions(file, defaults) {
  const options = Object.fromEntries(
    Object.entries(defaults).map(([name, value]) => [
      name,
      { type: typeof value === "boolean" ? /** @type {const} */ ("boolean") : /** @type {const} */ ("string") },
    ]),
  );
  try {
    const { values } = parseArgs({ options: { ...options, help: { type: "boolean" } } });
    if (values["help"]) {
      console.log(headComment(file));
      process.exit(0);
    }
    const read = Object.entries(defaults).map(([name, value]) => [name, readValue(name, values[name], value)]);
    return Object.fromEntries(read);
  } catch (error) {
    console.error(`${/** @type {Error} */ (error).message} (--help tells what there is)`);
    return process.exit(1);
  }
}

/**
 * @param {string} name
 * @param {unknown} given
 * @param {number | string | boolean | null} value the default
 */
function readValue(name, given, value) {
  if (given === undefined) return value;
  if (typeof value !== "number") return given;
  const number = Number(given);
  if (given === "" || !Number.isFinite(number) || number < 0) throw new Error(`--${name} takes a number`);
  return number;
}

function headComment(/** @type {string} */ file) {
  const lines = readFileSync(fileURLToPath(file), "utf8").split("\n");
  const end = lines.findIndex((line) => !line.startsWith("//"));
  return lines
    .slice(0, end)
    .map((line) => line.replace(/^\/\/ ?/, ""))
    .join("\n");
}
