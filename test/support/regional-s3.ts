import { createServer, request as forward } from "node:http";
import type { AddressInfo } from "node:net";

/** A region's own S3 server, and the buckets that are in it. */
interface Region {
  name: string;
  endpoint: string;
  /** Undefined: all buckets that no other region has. */
  buckets?: readonly string[];
}

/**
 * One address for several S3 servers of one region each, as AWS has it: a request that is signed for another region than
 * its bucket's is answered 301 with the right one, everything else goes to the bucket's server as it is.
 */
export async function startRegionalS3(regions: readonly Region[]): Promise<{ endpoint: string; close(): void }> {
  const server = createServer((incoming, answer) => {
    const bucket = incoming.url?.split(/[/?]/)[1] ?? "";
    const region = regions.find(({ buckets }) => buckets?.includes(bucket)) ?? regions.find((r) => !r.buckets);
    const signedFor = /Credential=[^/]+\/\d+\/([^/]+)\//.exec(incoming.headers.authorization ?? "")?.[1];
    if (region === undefined || region.name !== signedFor) {
      answer.writeHead(301, { "x-amz-bucket-region": region?.name ?? "" }).end();
      incoming.resume();
      return;
    }
    const { hostname, port } = new URL(region.endpoint);
    const { method, url, headers } = incoming;
    const outgoing = forward({ hostname, port, method, path: url, headers }, (answered) => {
      answer.writeHead(answered.statusCode ?? 500, answered.rawHeaders);
      answered.pipe(answer);
    });
    outgoing.on("error", () => answer.destroy());
    incoming.pipe(outgoing);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}
