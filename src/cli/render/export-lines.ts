/** Variables as lines that a POSIX shell evaluates, every value quoted; an empty value takes the variable away. */
export function exportLines(environment: Record<string, string>): string {
  return Object.entries(environment)
    .map(([name, value]) => {
      if (value === "") return `unset ${name}`;
      return `export ${name}='${value.replaceAll("'", "'\\''")}'`;
    })
    .join("\n");
}
