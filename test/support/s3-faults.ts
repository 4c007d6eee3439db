import { once } from "node:events";
import { createServer, type IncomingMessage, request, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { pipeline } from "node:stream";

/** An answer that S3 gives instead of doing what it is asked for, or one that never ends. */
export interface S3Fault {
  /** HTTP method of the requests. */
  method: "DELETE" | "GET" | "HEAD" | "POST" | "PUT";
  /** What the path of the requests holds. */
  path: string;
  /** Only requests for this range; null: only those for all of the object. */
  range?: string | null;
  status?: number;
  /** In the place of an error: nothing is answered, or S3's answer stops half way through its body. */
  hangs?: "answer" | "body";
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
  const passOn = (incoming: IncomingMessage, answer: ServerResponse, give: Give) => {
    const { method, url: path, headers } = incoming;
    const passed = request({ hostname, port, method, path, headers }, (response) => {
      answer.writeHead(response.statusCode ?? 502, response.rawHeaders);
      give(response, answer);
    });
    passed.on("error", () => incoming.socket.destroy());
    pipeline(incoming, passed, () => {});
  };
  const server = createServer((incoming, answer) => {
    const { method = "", url: path = "", headers } = incoming;
    const asked = headers.range ?? null;
    const meets = ({ range = asked, ...f }: S3Fault) =>
      f.count > 0 && f.method === method && decodeURIComponent(path).includes(f.path) && range === asked;
    const fault = faults.find(meets);
    if (fault !== undefined) {
      fault.count--;
      if (fault.hangs === "body") return passOn(incoming, answer, stopHalfWay);
      incoming.resume();
      if (fault.hangs === "answer") return;
      const body = method === "HEAD" || fault.code === undefined ? "" : errorBody(fault.code);
      answer.writeHead(fault.status ?? 500, { "content-type": "application/xml", ...fault.headers }).end(body);
      return;
    }
    passOn(incoming, answer, (response) => void pipeline(response, answer, () => {}));
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

type Give = (response: IncomingMessage, answer: ServerResponse) => void;

const stopHalfWay: Give = (response, answer) => {
  let left = Math.floor(Number(response.headers["content-length"]) / 2);
  response.on("data", (chunk: Buffer) => {
    answer.write(chunk.subarray(0, left));
    left = Math.max(0, left - chunk.length);
  });
};

const errorBody = (code: string) =>
  `<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>${code}</Code><Message>because of the test</Message></Error>`;
