import { isIP } from "node:net";

/** Whether a text is a network as `10.0.0.0/8`. */
export function isNetwork(text: string): boolean {
  const [address = "", bits = ""] = text.split("/");
  const version = isIP(address);
  return version !== 0 && /^\d{1,3}$/.test(bits) && Number(bits) <= (version === 4 ? 32 : 128);
}

/** Whether an address that a server listens on is reached from its own machine only. */
export function isLoopbackAddress(host: string): boolean {
  return host === "::1" || host.startsWith("127.");
}

/** Whether the host that a browser asked for is this machine, by a name that no one else can give out. */
export function isLoopbackHost(host: string | undefined): boolean {
  return host !== undefined && /^(127\.0\.0\.1|localhost|\[::1\])(:\d{1,5})?$/i.test(host);
}

/** The `http://` address of a server that listens on an IP address. */
export function httpAddress(host: string, port: number): string {
  return `http://${host.includes(":") ? `[${host}]` : host}:${port}`;
}
