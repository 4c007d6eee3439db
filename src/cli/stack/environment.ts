/** Puts a stack's variables on top of an environment; an empty value takes the variable away. */
export function withVariables(base: NodeJS.ProcessEnv, variables: Record<string, string>): NodeJS.ProcessEnv {
  const environment = { ...base };
  for (const [name, value] of Object.entries(variables)) {
    if (value === "") delete environment[name];
    else environment[name] = value;
  }
  return environment;
}

/** The same for this process, where the AWS SDK looks for its credentials. */
export function useVariables(variables: Record<string, string>): void {
  for (const [name, value] of Object.entries(variables)) {
    if (value === "") delete process.env[name];
    else process.env[name] = value;
  }
}
