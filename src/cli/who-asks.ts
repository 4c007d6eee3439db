import { userInfo } from "node:os";

/** Who wants something, as it is kept with a deletion: the name that was given, or whoever runs the command. */
export function whoAsks(name: string | undefined): string {
  return (name ?? ownName()).slice(0, 200);
}

function ownName(): string {
  try {
    return userInfo().username;
  } catch {
    // Containers often run as a mere number, which has no name.
    return `uid ${process.getuid?.() ?? "unknown"}`;
  }
}
