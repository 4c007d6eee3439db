import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { Registry } from "prom-client";
import { DocketError } from "../contract/failures.ts";
import { httpAddress } from "../contract/network.ts";

export interface HealthServer {
  /** For example `http://127.0.0.1:9464`. */
  address: string;
  close(): Promise<void>;
}

/**
 * `/healthz` answers 200 while every queue is polled and 503 otherwise; `/metrics` answers in Prometheus' text format.
 * On loopback, unless a host is given: neither is for the open network.
 * @param options.host address that it listens on, as `127.0.0.1`
 * @param options.port 0 for any free port
 * @throws {DocketError} `InvalidInput` when it cannot listen there
 */
export async function startHealthServer(options: {
  host: string;
  port: number;
  registry: Registry;
  states(): Record<string, string>;
  /** What else is told, without any say in whether the worker is healthy. */
  details?(): Record<string, unknown>;
}): Promise<HealthServer> {
  const server = createServer((request, response) => {
    const path = request.url?.split("?")[0];
    if (path === "/healthz") {
      const states = options.states();
      const healthy = Object.values(states).every((state) => state === "RUNNING");
      response.writeHead(healthy ? 200 : 503, { "content-type": "application/json" });
      response.end(JSON.stringify({ healthy, queues: states, ...options.details?.() }));
    } else if (path === "/metrics") {
      options.registry.metrics().then(
        (text) => response.writeHead(200, { "content-type": options.registry.contentType }).end(text),
        (error: Error) => response.writeHead(500).end(error.message),
      );
    } else {
      response.writeHead(404).end("Try /healthz or /metrics.\n");
    }
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(options.port, options.host, resolve);
  }).catch((error: NodeJS.ErrnoException) => {
    throw whyNotListening(options, error);
  });
  const { port } = server.address() as AddressInfo;
  return {
    address: httpAddress(options.host, port),
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}

function whyNotListening({ host, port }: { host: string; port: number }, cause: NodeJS.ErrnoException): DocketError {
  const reason = reasons[cause.code ?? ""] ?? cause.message;
  return new DocketError(
    "InvalidInput",
    `Health and metrics cannot be served on ${httpAddress(host, port)}: ${reason}.`,
    {
      remedy:
        "Set DOCKET_HEALTH_PORT to a free port (0 takes any), and DOCKET_HEALTH_HOST to an address of this machine.",
      cause,
    },
  );
}

const reasons: Record<string, string> = {
  EADDRINUSE: "the port is taken",
  EACCES: "the port needs a permission",
  EADDRNOTAVAIL: "this machine does not have the address",
};
