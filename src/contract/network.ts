import { isIP } from "node:net";

/** Whether a text is a network as `10.0.0.0/8`. */
export function isNetwork(text: string): boolean {
  const [address = "", bits = ""] = text.split("/");
  const version = isIP(address);
  return version !== 0 && /^\d{1,3}$/.test(bits) && Number(bits) <= (version === 4 ? 32 : 128);
}
