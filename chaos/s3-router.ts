import { once } from "node:events";
import { createServer, request } from "node:http";
import type { AddressInfo } from "node:net";
import { pipeline } from "node:stream";

/**
 * One address for two S3 servers of two regions, as AWS has it: requests for the named bucket go to the other server,
 * which refuses those that are signed for the wrong region and, as AWS does, names its own in a header.
 */
export async function startS3Router(options: {
  port(): number;
  otherBucket: string;
  otherRegion: string;
  otherPort(): number;
}): Promise<{ port: number; close(): Promise<void> }> {
  const server = createServer((incoming, answer) => {
    const bucket = incoming.url?.split(/[/?]/)[1];
    const port = bucket === options.otherBucket ? options.otherPort() : options.port();
    const { method, url: path, headers } = incoming;
    const passed = request({ host: "127.0.0.1", port, method, path, headers });
    passed.on("response", (response) => {
      const region = port === options.otherPort() ? ["x-amz-bucket-region", options.otherRegion] : [];
      answer.writeHead(response.statusCode ?? 502, [...response.rawHeaders, ...region]);
      pipeline(response, answer, () => {});
    });
    // A server that is gone looks as it would without this one: the connection is reset.
    passed.on("error", () => incoming.socket.resetAndDestroy());
    pipeline(incoming, passed, () => {});
  });
  // `Expect: 100-continue` is answered by the server that is asked, not here.
  server.on("checkContinue", (incoming, answer) => {
    answer.writeContinue();
    delete incoming.headers.expect;
    server.emit("request", incoming, answer);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}
