import { once } from "node:events";
import { connect, createServer } from "node:net";

const loopback = "127.0.0.1";

/**
 * The first of the wanted ports that nothing on this machine uses, otherwise any free one. Loopback only. Between this
 * answer and the server's own start somebody else may take it; the caller tries again then.
 */
export async function freePort(wanted: readonly (number | undefined)[]): Promise<number> {
  for (const port of wanted) if (port !== undefined && (await isFree(port))) return port;
  const server = createServer().listen(0, loopback);
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  if (address === null || typeof address === "string") throw new Error("a TCP server without a port");
  return address.port;
}

/** Whether a server could listen on this loopback port now. */
export async function isFree(port: number): Promise<boolean> {
  // Some systems let a socket bind to 127.0.0.1 beside one that listens on every address: ask first.
  if (await accepts(port)) return false;
  const server = createServer();
  return new Promise((resolve) => {
    server.once("error", () => resolve(false));
    server.listen({ port, host: loopback, exclusive: true }, () => server.close(() => resolve(true)));
  });
}

/** Whether something accepts connections on this loopback port. */
export function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: loopback, timeout: 1000 });
    const answer = (accepted: boolean) => () => {
      socket.destroy();
      resolve(accepted);
    };
    socket.once("connect", answer(true)).once("error", answer(false)).once("timeout", answer(false));
  });
}
