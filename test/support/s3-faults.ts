import { once } from "node:events";
import { createServer, request } from "node:http";
import type { AddressInfo } from "node:net";
import { pipeline } from "node:stream";

/** An answer that S3 gives instead of doing what it is asked for. */
export interface S3Fault {
  /** HTTP method of the requests. */
  method: "GET" | "HEAD" | "PUT";
  /** What the path of the requests holds. */
  path: string;
  status: number;
  /** S3's error code; without one the answer has no body. */
  code?: string;
  /** Requests that meet it. */
  count: number;
  headers?: Record<string, string>;
}

/** An S3 server as it is, but for the requests that are to fail: S3 is not asked, the answer is an S3 error. */
export async function startFaultyS3(endpoint: string) {
  const { hostname, port } = new URL(endpoint);
  let faults: S3Fault[] = [];
  const server = createServer((incoming, answer) => {
    const { method = "", url: path = "", headers } = incoming;
    const fault = faults.find((f) => f.count > 0 && f.method === method && decodeURIComponent(path).includes(f.path));
    if (fault !== undefined) {
      fault.count--;
      incoming.resume();
      const body = method === "HEAD" || fault.code === undefined ? "" : errorBody(fault.code);
      answer.writeHead(fault.status, { "content-type": "application/xml", ...fault.headers }).end(body);
      return;
    }
    const passed = request({ hostname, port, method, path, headers }, (response) => {
      answer.writeHead(response.statusCode ?? 502, response.rawHeaders);
      pipeline(response, answer, () => {});
    });
    passed.on("error", () => incoming.socket.destroy());
    pipeline(incoming, passed, () => {});
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    address: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    fault: (...more: S3Fault[]) => void faults.push(...more.map((fault) => ({ ...fault }))),
    /** Faults of a path that no request has met yet. */
    left: (path: string) => faults.filter((f) => f.path === path).reduce((sum, { count }) => sum + count, 0),
    forget(path: string) {
      faults = faults.filter((fault) => fault.path !== path);
    },
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}

const errorBody = (code: string) =>
  `<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>${code}</Code><Message>because of the test</Message></Error>`;
