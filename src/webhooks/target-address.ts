import { BlockList, isIP, isIPv6 } from "node:net";

// Whatever is not on the public internet: a receiver's name must not lead into the workers' own network.
const notPublic = new BlockList();
const networks4 = [
  ...["0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24"],
  ...["192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24"],
  ...["224.0.0.0/4", "240.0.0.0/4"],
];
for (const network of networks4) add(notPublic, network);
// Inside the global unicast 2000::/3: special registries, Teredo, documentation, and 6to4, which carries any IPv4.
for (const network of ["2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20"]) add(notPublic, network);
const globalUnicast = new BlockList();
add(globalUnicast, "2000::/3");

/** Networks by their notation. @param networks such as `10.0.0.0/8` or `fd00::/8`, each valid */
export function networkList(networks: readonly string[]): BlockList {
  const list = new BlockList();
  for (const network of networks) add(list, network);
  return list;
}

/** Whether posts may go to an address: `public`; `listed`, not public but named by the setting; `refused`. */
export function judgeAddress(address: string, allowed: BlockList): "public" | "listed" | "refused" {
  const plain = withoutMapping(address);
  const family = isIPv6(plain) ? "ipv6" : "ipv4";
  if (isIP(plain) === 0) return "refused";
  if (allowed.check(plain, family)) return "listed";
  if (family === "ipv6" && !globalUnicast.check(plain, family)) return "refused";
  return notPublic.check(plain, family) ? "refused" : "public";
}

/** An IPv4 address that is written as an IPv6 one, as the IPv4 address that is meant. */
function withoutMapping(address: string): string {
  if (!isIPv6(address)) return address;
  // The URL parser's form has one notation for every way to write it.
  const canonical = new URL(`http://[${address.split("%")[0]}]`).hostname.slice(1, -1);
  const mapped = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(canonical);
  if (mapped === null) return canonical;
  const [high = 0, low = 0] = mapped.slice(1).map((part) => Number.parseInt(part, 16));
  return [high >> 8, high & 255, low >> 8, low & 255].join(".");
}

function add(list: BlockList, network: string): void {
  const [address = "", bits = ""] = network.split("/");
  list.addSubnet(address, Number(bits), isIPv6(address) ? "ipv6" : "ipv4");
}
