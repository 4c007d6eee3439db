import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";

/** A TCP proxy on loopback that breaks connections on command. */
export interface BreakingProxy {
  port: number;
  /**
   * The next exchanges end with a reset: `before` anything of the request is passed on, or `after` the request was
   * passed on and before any of its answer is.
   * @param options.skip exchanges that are left alone first
   * @param options.politely the connection is closed, as by a server that ends, instead of reset
   */
  breakNext(moment: "before" | "after", count: number, options?: { skip?: number; politely?: boolean }): void;
  /** Connections that are open stay so and pass nothing on any more, as where a machine vanished; new ones are served. */
  silence(): void;
  /** Takes back what {@link breakNext} asked for and did not come yet. */
  forget(): void;
  /** Every so manieth new connection is reset at its first bytes; 0 for none. */
  breakEvery(nth: number): void;
  /** Refuses new connections and resets the open ones, until it is called with false. */
  refuse(refusing: boolean): void;
  /** Connections that were refused so far. */
  readonly refused: number;
  close(): Promise<void>;
}

/** Starts a proxy in front of a port of this machine. */
export async function startBreakingProxy(targetPort: () => number): Promise<BreakingProxy> {
  const waiting = { before: 0, after: 0 };
  let skipped = 0;
  let politely = false;
  const open = new Set<Socket>();
  const silent = new WeakSet<Socket>();
  let every = 0;
  let connections = 0;
  let refusing = false;
  let refused = 0;

  const nextFate = () => {
    const moment = (["before", "after"] as const).find((each) => waiting[each] > 0);
    if (moment === undefined) return null;
    if (skipped > 0) {
      skipped--;
      return null;
    }
    waiting[moment]--;
    return moment;
  };

  const server: Server = createServer((client) => {
    connections++;
    if (refusing) {
      refused++;
      client.resetAndDestroy();
      return;
    }
    let doomed: "before" | "after" | null = every > 0 && connections % every === 0 ? "before" : null;
    const service = connect({ host: "127.0.0.1", port: targetPort() });
    for (const socket of [client, service]) {
      open.add(socket);
      socket.setNoDelay(true);
      // Each side's end is the other's; errors are what this proxy is for.
      socket.on("error", () => {});
      socket.on("close", () => {
        open.delete(socket);
        (socket === client ? service : client).destroy();
      });
    }
    const reset = () => {
      if (politely) client.end();
      else client.resetAndDestroy();
      service.destroy();
    };
    client.on("data", (bytes) => {
      if (silent.has(client)) return;
      if (doomed === null) doomed = nextFate();
      if (doomed === "before") return reset();
      if (!service.write(bytes)) pauseUntilDrained(client, service);
    });
    service.on("data", (bytes) => {
      if (silent.has(service)) return;
      if (doomed !== null) return reset();
      if (!client.write(bytes)) pauseUntilDrained(service, client);
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    get refused() {
      return refused;
    },
    breakNext(moment, count, options = {}) {
      skipped = options.skip ?? 0;
      politely = options.politely ?? false;
      waiting[moment] += count;
    },
    silence() {
      for (const socket of open) silent.add(socket);
    },
    forget() {
      skipped = 0;
      waiting.before = 0;
      waiting.after = 0;
    },
    breakEvery(nth) {
      every = nth;
    },
    refuse(wanted) {
      refusing = wanted;
      if (wanted) for (const socket of open) socket.resetAndDestroy();
    },
    async close() {
      for (const socket of open) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}

function pauseUntilDrained(from: Socket, to: Socket): void {
  from.pause();
  to.once("drain", () => from.resume());
}
