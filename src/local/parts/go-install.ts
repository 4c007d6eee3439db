import { mkdtemp, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import type { StartOptions } from "../report.ts";
import { onPath } from "./program-cache.ts";
import { runProgram } from "./run-program.ts";

/** A program that `go install` builds from its published module. */
export interface GoProgram {
  /** `module/path/cmd/name@version`. */
  package: string;
  /** Go that its go.mod asks for. */
  minimumGo: readonly [major: number, minor: number];
  /** Name of what is built. */
  name: string;
  /** For the progress line, for example `the Temporal server`. */
  what: string;
  /** How long it takes on an ordinary machine, in words. */
  usually: string;
}

/** Why this way of getting a program does not work here. */
export class WayNotOpen extends Error {}

const longestMilliseconds = 40 * 60_000;
const progressMilliseconds = 3000;

/**
 * Builds a program and puts it at `target` in one step, so that nobody ever sees half of it.
 * @throws {WayNotOpen} with the reason, for example that Go is missing or too old
 */
export async function goInstall(program: GoProgram, target: string, options: StartOptions): Promise<void> {
  const environment = options.environment ?? process.env;
  const go = await onPath("go", environment);
  if (go === null) throw new WayNotOpen("Go is not on the PATH");
  await checkGo(go, program, environment);

  const cache = join(target, "..");
  // Beside the target, so that the last step is a rename within one file system.
  const folder = await mkdtemp(join(cache, ".build-"));
  try {
    await build(go, program, folder, environment, options);
    await rename(join(folder, program.name), target);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function build(
  go: string,
  program: GoProgram,
  folder: string,
  environment: NodeJS.ProcessEnv,
  { report, signal }: StartOptions,
): Promise<void> {
  const { what, usually } = program;
  const step = what;
  const started = Date.now();
  const [main] = program.package.split("@");
  let packages = 0;
  // Without anything to fetch or compile, go says nothing until the end.
  let now = "resolving, compiling and linking";
  const tell = () => {
    const seconds = Math.round((Date.now() - started) / 1000);
    report?.({
      step,
      detail: `building ${what} with go install (${usually}, once per user): ${seconds} s, ${now}`,
      state: "progress",
    });
  };
  tell();
  const timer = setInterval(tell, progressMilliseconds);
  try {
    const { code, lines } = await runProgram(go, ["install", "-v", program.package], {
      // GOPROXY, GOFLAGS and all else stay the user's; a build for another platform would not land in GOBIN.
      environment: { ...environment, GOBIN: folder, GOOS: "", GOARCH: "" },
      directory: folder,
      signal,
      timeoutMilliseconds: longestMilliseconds,
      onLine(line) {
        if (line.startsWith("go: downloading ")) now = `fetching ${line.slice("go: downloading ".length)}`;
        else if (line === main) now = "linking";
        else if (!line.startsWith("go: ")) now = `${++packages} packages compiled`;
      },
    });
    if (code !== 0) {
      const end = code === null ? "took too long or was killed" : `ended with ${code}`;
      const said = lines.filter((line) => !line.startsWith("go: downloading ")).slice(-3);
      throw new WayNotOpen(`go install ${program.package} ${end}: ${said.join(" | ")}`);
    }
  } finally {
    clearInterval(timer);
  }
  const { size } = await stat(join(folder, program.name));
  report?.({ step, detail: `built ${what}`, state: "done", bytes: size, milliseconds: Date.now() - started });
}

async function checkGo(go: string, program: GoProgram, environment: NodeJS.ProcessEnv): Promise<void> {
  const { lines } = await runProgram(go, ["env", "GOVERSION", "GOTOOLCHAIN"], { environment });
  const [version = "", toolchain = ""] = lines;
  const [, major = 0, minor = 0] = (/^go(\d+)\.(\d+)/.exec(version) ?? []).map(Number);
  const [needMajor, needMinor] = program.minimumGo;
  if (major > needMajor || (major === needMajor && minor >= needMinor)) return;
  // Since 1.21 go fetches a newer toolchain through the module proxy by itself, unless that is switched off.
  const fetchesNewer = (major > 1 || minor >= 21) && !/^(local|path)$/.test(toolchain);
  if (fetchesNewer) return;
  const name = version || `what ${go} calls itself`;
  throw new WayNotOpen(`Go is too old: ${name}, and ${program.what} needs ${needMajor}.${needMinor}`);
}
