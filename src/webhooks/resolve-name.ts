import type { LookupAddress } from "node:dns";
import { lookup, NODATA, NOTFOUND, Resolver } from "node:dns/promises";
import { fullNames, readSearchList, type SearchList } from "./search-list.ts";

/** For one question to one server, milliseconds. */
const answerMilliseconds = 3000;

/** The system's own way for the one name whose turn it is; never rejected. */
let turn: Promise<unknown> = Promise.resolve();

/** Which servers are asked, and for which names. */
export interface NameService extends SearchList {
  /** As `127.0.0.1:53`; undefined: the system's. */
  servers?: string[];
}

/**
 * The addresses of a webhook's receiver, IPv4 first.
 *
 * The DNS servers are asked without a thread, for the same names in the same order as the system would, which completes
 * short ones by its search domains. The system's own way (`getaddrinfo`), which also knows the hosts file, blocks one of
 * the process's four threads for as long as an answer takes, and the connections to PostgreSQL and S3 need the same
 * threads: it is taken for names that the servers do not tell, one at a time
 * (docs/decisions/0061-a-receivers-name-is-asked-of-the-dns-first.md).
 * @throws the system's error where nobody knows the name; the signal's reason
 */
export async function resolveName(
  name: string,
  signal: AbortSignal,
  service: NameService = readSearchList(),
): Promise<LookupAddress[]> {
  signal.throwIfAborted();
  // Not a name of the DNS (RFC 6761).
  const told = name === "localhost" ? [] : await askServers(fullNames(name, service), signal, service.servers);
  return told.length > 0 ? told : askSystem(name, signal);
}

/** What the servers tell of the first name that they know; empty where they know none, or do not answer. */
async function askServers(
  names: readonly string[],
  signal: AbortSignal,
  servers: string[] | undefined,
): Promise<LookupAddress[]> {
  for (const name of names) {
    const answers = await askFor(name, signal, servers);
    signal.throwIfAborted();
    const addresses = answers.flatMap((answer, index) =>
      answer.status === "fulfilled" ? answer.value.map((address) => ({ address, family: index === 0 ? 4 : 6 })) : [],
    );
    // Without an answer to this name, the next may be somebody else's.
    if (addresses.length > 0 || !answers.every(isAnswer)) return addresses;
  }
  return [];
}

/** What the servers answer for IPv4, and for IPv6. */
async function askFor(name: string, signal: AbortSignal, servers: string[] | undefined) {
  // One for each name: to later questions a resolver gives less time, by what earlier ones took.
  const resolver = new Resolver({ timeout: answerMilliseconds, tries: 1 });
  if (servers !== undefined) resolver.setServers(servers);
  const cancel = () => resolver.cancel();
  signal.addEventListener("abort", cancel, { once: true });
  try {
    return await Promise.allSettled([resolver.resolve4(name), resolver.resolve6(name)]);
  } finally {
    signal.removeEventListener("abort", cancel);
  }
}

/** Whether a server has answered, if only that there is no such name. */
function isAnswer(answer: PromiseSettledResult<unknown>): boolean {
  return answer.status === "fulfilled" || answer.reason.code === NOTFOUND || answer.reason.code === NODATA;
}

function askSystem(name: string, signal: AbortSignal): Promise<LookupAddress[]> {
  const asked = turn.then(() => {
    signal.throwIfAborted();
    return lookup(name, { all: true });
  });
  turn = asked.catch(() => {});
  return asked;
}
