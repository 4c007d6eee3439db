import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { isLoopbackHost } from "../contract/network.ts";
import type { Database } from "../database/client.ts";
import type { ObjectStorage } from "../storage/object-storage.ts";
import { createPagePictures } from "./page-pictures.ts";
import { answer, answerError, type WebPorts } from "./routes.ts";

/** The running page. */
export interface WebServer {
  /** `http://127.0.0.1:PORT/`. */
  address: string;
  close(): Promise<void>;
}

export interface WebServerOptions {
  database: Database;
  storage: ObjectStorage;
  /** 0: any free port. */
  port: number;
  /** When the port is taken: any free one instead of an error. */
  otherPort?: boolean;
}

/** Nothing runs in the browser: no script, no style but the site's own, no address but its own. */
const headers = {
  "content-security-policy":
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
};

/**
 * Serves the documents' page on loopback. A request that names another host than loopback is refused, so that a web site
 * cannot point its own name at this machine and read the documents through a visitor's browser (DNS rebinding).
 * @throws EADDRINUSE when the port is taken and no other one will do
 */
export async function startWebServer(options: WebServerOptions): Promise<WebServer> {
  const { database, storage } = options;
  const pictures = await createPagePictures(database, storage);
  const server = createServer(
    { maxHeaderSize: 16_384, requestTimeout: 10_000, headersTimeout: 10_000 },
    (request, response) => {
      void respond({ database, pictures }, request, response);
    },
  );
  server.maxConnections = 64;
  server.keepAliveTimeout = 5000;
  const listen = (port: number) =>
    new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(port, "127.0.0.1", () => {
        server.off("error", reject);
        resolve();
      });
    });
  try {
    await listen(options.port).catch((error: NodeJS.ErrnoException) => {
      if (error.code === "EADDRINUSE" && options.otherPort) return listen(0);
      throw error;
    });
  } catch (error) {
    await pictures.close();
    throw error;
  }
  const { port } = server.address() as AddressInfo;
  return {
    address: `http://127.0.0.1:${port}/`,
    async close() {
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
      await pictures.close();
    },
  };
}

async function respond(ports: WebPorts, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const plain = (status: number, text: string, more: Record<string, string> = {}) =>
    response.writeHead(status, { ...headers, ...more, "content-type": "text/plain; charset=utf-8" }).end(`${text}\n`);
  try {
    if (!isLoopbackHost(request.headers.host)) {
      plain(421, "This page answers to 127.0.0.1 and localhost only.");
      return;
    }
    if (request.method !== "GET" && request.method !== "HEAD") {
      plain(405, "This page is read-only.", { allow: "GET, HEAD" });
      return;
    }
    // Joined by hand: an address that begins with two slashes would name another host.
    const url = `http://localhost${request.url}`;
    if (!request.url?.startsWith("/") || !URL.canParse(url)) {
      plain(400, "This is no address.");
      return;
    }
    const { status, type, body, keepSeconds } = await answer(ports, new URL(url)).catch(answerError);
    response.writeHead(status, {
      ...headers,
      "content-type": type,
      "content-length": Buffer.byteLength(body),
      "cache-control": keepSeconds === undefined ? "no-store" : `private, max-age=${keepSeconds}`,
    });
    response.end(request.method === "HEAD" ? undefined : body);
  } catch {
    // The browser is gone; nobody waits for an answer any more.
    response.destroy();
  }
}
