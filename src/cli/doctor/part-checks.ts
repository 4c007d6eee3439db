import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { findPostgres } from "../../local/parts/postgres-binaries.ts";
import { isProgram, onPath, programCache } from "../../local/parts/program-cache.ts";
import { type Check, checked, ok, warning } from "./check.ts";

/** A program of somebody else that the embedded default runs. */
interface Program {
  title: string;
  name: string;
  /** Names the program itself. */
  variable: string;
  /** Any of these set: the part is not needed. */
  insteadOf: string[];
  /** Ways to it besides PATH, cache and Go. */
  otherwise: string;
}

const programs: Program[] = [
  {
    title: "temporal",
    name: "temporal",
    variable: "DOCKET_TEMPORAL_CLI",
    insteadOf: ["TEMPORAL_ADDRESS"],
    otherwise: "is downloaded at the first start where Temporal's host can be reached",
  },
  {
    title: "versitygw",
    name: "versitygw",
    variable: "DOCKET_VERSITYGW",
    insteadOf: ["DOCKET_BUCKET", "AWS_ENDPOINT_URL_S3"],
    otherwise: "has no other source",
  },
];

/** Where the parts of the embedded default would come from. Nothing is fetched or built for this. */
export async function partChecks(environment: NodeJS.ProcessEnv): Promise<Check[]> {
  const postgres = environment["DATABASE_URL"]
    ? ok("postgres", "not needed, DATABASE_URL is set")
    : await checked("postgres", async () => ok("postgres", (await findPostgres()).root));
  const go = await onPath("go", environment);
  return [postgres, ...(await Promise.all(programs.map((program) => programCheck(program, go, environment))))];
}

async function programCheck(program: Program, go: string | null, environment: NodeJS.ProcessEnv): Promise<Check> {
  const { title, name, variable, otherwise } = program;
  const instead = program.insteadOf.find((setting) => environment[setting]);
  if (instead !== undefined) return ok(title, `not needed, ${instead} is set`);
  const path = environment[variable] || (await onPath(name, environment)) || (await inCache(name, environment));
  if (path && (await isProgram(path))) return ok(title, path);
  if (path) return warning(title, `${path} cannot be run`, `Correct ${variable}, or unset it.`);
  if (go !== null) return ok(title, `not here yet; built at the first start with ${go} (a few minutes)`);
  return warning(
    title,
    `not on the PATH, not in the cache, and no Go to build it; ${otherwise}`,
    `Put ${name} on the PATH, or install Go 1.25 or newer, or set ${program.insteadOf.join(" or ")}.`,
  );
}

async function inCache(name: string, environment: NodeJS.ProcessEnv): Promise<string | null> {
  const cache = programCache(environment);
  const cached = (await readdir(cache).catch(() => [])).filter((entry) => entry.startsWith(`${name}-`));
  return cached[0] === undefined ? null : join(cache, cached[0]);
}
