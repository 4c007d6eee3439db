import { DocketError } from "../contract/failures.ts";

/**
 * What is wrong with the address of a PostgreSQL database, as the end of a sentence that begins with the setting's name;
 * null where the driver can read it, as it is meant. The address is not repeated: it holds the password.
 */
export function addressProblem(address: string): string | null {
  if (!/^postgres(ql)?:\/\//.test(address)) return "must be a postgresql:// address";
  // An address of a Unix socket has no host.
  const readable = [address, address.replace("@/", "@localhost/")].find((text) => URL.canParse(text));
  return readable === undefined || isCutShort(new URL(readable)) || !isDecodable(address) ? unreadable : null;
}

/**
 * For those who can do without: an address that is not named is that of the embedded PostgreSQL.
 * @throws {DocketError} `InvalidInput` for an address that the driver cannot read
 */
export function requireReadable(address: string): void {
  const problem = addressProblem(address);
  if (problem === null) return;
  throw new DocketError("InvalidInput", `The settings are not complete: DATABASE_URL ${problem}.`, {
    remedy: "Correct DATABASE_URL (docs/configuration.md), or leave it unset for the embedded PostgreSQL.",
  });
}

const unreadable =
  "cannot be read as an address (write / # ? % of user and password as %2F %23 %3F %25, as in " +
  "postgresql://user:password@host:5432/database)";

/** Whether a sign of the password ended the host, so that user and password count as host and port. */
function isCutShort({ username, hash, pathname, searchParams }: URL): boolean {
  const behind = [pathname, ...searchParams.keys()];
  return hash !== "" || (username === "" && behind.some((part) => part.includes("@")));
}

/** Whether what looks encoded is: %aa of a password that is written as it is stands for no letter, and the driver throws. */
function isDecodable(address: string): boolean {
  const [beforeParameters = ""] = address.split("?");
  try {
    for (const [encoded] of beforeParameters.matchAll(/(?:%[0-9a-f]{2})+/gi)) decodeURIComponent(encoded);
    return true;
  } catch {
    return false;
  }
}
