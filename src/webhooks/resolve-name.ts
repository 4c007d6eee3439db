import type { LookupAddress } from "node:dns";
import { lookup, Resolver } from "node:dns/promises";

/** For one question to one server, milliseconds. */
const answerMilliseconds = 3000;

/** The system's own way for the one name whose turn it is; never rejected. */
let turn: Promise<unknown> = Promise.resolve();

/**
 * The addresses of a webhook's receiver, IPv4 first.
 *
 * The DNS servers are asked without a thread. The system's own way (`getaddrinfo`), which also knows the hosts file and
 * search domains, blocks one of the process's four threads for as long as an answer takes, and the connections to
 * PostgreSQL and S3 need the same threads: it is taken for names that the servers do not tell, one at a time
 * (docs/decisions/0061-a-receivers-name-is-asked-of-the-dns-first.md).
 * @param servers as `127.0.0.1:53`, in place of the system's
 * @throws the system's error where nobody knows the name; the signal's reason
 */
export async function resolveName(name: string, signal: AbortSignal, servers?: string[]): Promise<LookupAddress[]> {
  signal.throwIfAborted();
  // Not a name of the DNS (RFC 6761).
  const told = name === "localhost" ? [] : await askServers(name, signal, servers);
  return told.length > 0 ? told : askSystem(name, signal);
}

/** What the servers tell; empty where they tell nothing. */
async function askServers(name: string, signal: AbortSignal, servers: string[] | undefined): Promise<LookupAddress[]> {
  const resolver = new Resolver({ timeout: answerMilliseconds, tries: 1 });
  if (servers !== undefined) resolver.setServers(servers);
  const cancel = () => resolver.cancel();
  signal.addEventListener("abort", cancel, { once: true });
  const answers = await Promise.allSettled([resolver.resolve4(name), resolver.resolve6(name)]);
  signal.removeEventListener("abort", cancel);
  signal.throwIfAborted();
  return answers.flatMap((answer, index) =>
    answer.status === "fulfilled" ? answer.value.map((address) => ({ address, family: index === 0 ? 4 : 6 })) : [],
  );
}

function askSystem(name: string, signal: AbortSignal): Promise<LookupAddress[]> {
  const asked = turn.then(() => {
    signal.throwIfAborted();
    return lookup(name, { all: true });
  });
  turn = asked.catch(() => {});
  return asked;
}
