// What a server needs of its surroundings; everything else, for example PGDATA or VGW_PORT, would change what it does.
const kept = [
  "PATH",
  "HOME",
  "TMPDIR",
  "TZ",
  "LD_LIBRARY_PATH",
  "DYLD_LIBRARY_PATH",
  "GOGC",
  "GOMEMLIMIT",
  "GOMAXPROCS",
];

/** The part of an environment that servers of other people inherit. */
export function serviceEnvironment(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  // Some programs ask for a user's name even where the number has none.
  const inherited: NodeJS.ProcessEnv = { LC_ALL: "C", USER: environment["USER"] || "docket" };
  for (const name of kept) if (environment[name] !== undefined) inherited[name] = environment[name];
  return inherited;
}
