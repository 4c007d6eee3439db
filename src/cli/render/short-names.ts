import { dirname, sep } from "node:path";

/** Names of files to show: their paths without the folder that all of them are in; S3 addresses stay whole. */
export function shortNames(files: string[]): string[] {
  const [first] = files;
  if (first === undefined || files.length < 2 || files.some((file) => file.startsWith("s3://"))) return files;
  let common = dirname(first);
  for (const file of files) {
    while (common !== "." && common !== dirname(common) && !file.startsWith(`${common}${sep}`))
      common = dirname(common);
  }
  const prefix = `${common}${sep}`;
  return common === sep || !files.every((file) => file.startsWith(prefix))
    ? files
    : files.map((file) => file.slice(prefix.length));
}
