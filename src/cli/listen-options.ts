import { isIP } from "node:net";
import { InvalidArgumentError } from "commander";

/** An IP address to listen on, as an option's value. */
export function parseHost(value: string): string {
  if (isIP(value) !== 0) return value;
  throw new InvalidArgumentError("It is an IP address.");
}

/** A port to listen on, as an option's value; 0: any free one. */
export function parsePort(value: string): number {
  const port = Number(value);
  if (Number.isInteger(port) && port >= 0 && port <= 65_535) return port;
  throw new InvalidArgumentError("A port is a whole number from 0 to 65,535.");
}
