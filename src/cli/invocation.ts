import { accessSync, constants } from "node:fs";
import { delimiter, join, relative } from "node:path";
import { fileURLToPath } from "node:url";

/** How the person at the keyboard calls Docket, for the hints that name a next command. */
export function invocation(environment: NodeJS.ProcessEnv = process.env): string {
  const underNpm = environment["npm_lifecycle_event"] !== undefined || environment["npm_command"] !== undefined;
  const packageFolder = fileURLToPath(new URL("../..", import.meta.url));
  if (underNpm || relative(packageFolder, process.cwd()) === "") return "npx docket";
  const folders = (environment["PATH"] ?? "").split(delimiter).filter((folder) => folder !== "");
  if (folders.some((folder) => isExecutable(join(folder, "docket")))) return "docket";
  return `node ${fileURLToPath(new URL("docket.js", import.meta.url))}`;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
