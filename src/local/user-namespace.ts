import { userInfo } from "node:os";
import { onPath } from "./parts/program-cache.ts";
import { runProgram } from "./parts/run-program.ts";

// Number and name of nobody are the same on all distributions; files stay those of the user outside.
const mapping = ["--user", "--map-user=65534", "--map-group=65534", "--"];

/**
 * What to put in front of a program so that it runs as nobody in a user namespace of its own, while its files stay this
 * user's: for programs that refuse to run as root or as a number without an account. Null where that does not work.
 */
export async function userNamespace(program: string, environment: NodeJS.ProcessEnv): Promise<string[] | null> {
  if (process.platform !== "linux") return null;
  const unshare = await onPath("unshare", environment);
  return unshare !== null && (await answers([unshare, ...mapping, program], environment))
    ? [unshare, ...mapping]
    : null;
}

/** Whether a command runs and says its version, as a given user. */
export async function answers(
  command: string[],
  environment: NodeJS.ProcessEnv,
  user?: { uid: number; gid: number },
): Promise<boolean> {
  const [file = "", ...args] = command;
  // The current folder may be one that another user cannot enter.
  const options = { environment, directory: "/", user, timeoutMilliseconds: 10_000 };
  const answer = await runProgram(file, [...args, "--version"], options).catch(() => null);
  return answer?.code === 0;
}

/** Whether the system knows this process's user; containers often run as a mere number. */
export function hasAccount(): boolean {
  try {
    userInfo();
    return true;
  } catch {
    return false;
  }
}
