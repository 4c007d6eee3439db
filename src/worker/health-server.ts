import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { Registry } from "prom-client";
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
