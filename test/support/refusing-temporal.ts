import { once } from "node:events";
import { createServer } from "node:http2";
import type { AddressInfo } from "node:net";

/**
 * A Temporal frontend of which each call is answered with a gRPC code alone: 0 is an empty answer; calls that are not
 * named are not implemented (12), but for the one by which clients connect.
 */
export async function startRefusingTemporal(codes: Record<string, number>) {
  const server = createServer();
  const answers: Record<string, number> = { GetSystemInfo: 0, ...codes };
  server.on("stream", (stream, headers) => {
    const code = answers[headers[":path"]?.split("/").at(-1) ?? ""] ?? 12;
    const head = { ":status": 200, "content-type": "application/grpc" };
    stream.on("error", () => {}).resume();
    if (stream.destroyed) return;
    if (code !== 0) {
      stream.respond(
        { ...head, "grpc-status": String(code), "grpc-message": "Request unauthorized." },
        { endStream: true },
      );
      return;
    }
    stream.respond(head, { waitForTrailers: true });
    stream.on("wantTrailers", () => {
      if (!stream.destroyed) stream.sendTrailers({ "grpc-status": "0" });
    });
    // A message of no bytes: not compressed, its length.
    stream.end(Buffer.alloc(5));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () => void server.close(),
  };
}
