import type { IncomingMessage, ServerResponse } from "node:http";
import { pipeline } from "node:stream/promises";
import { DocketError } from "../../contract/failures.ts";
import { isLoopbackHost } from "../../contract/network.ts";
import type { Faults } from "./faults.ts";
import type { JobStore } from "./job-store.ts";
import type { Ledger } from "./ledger.ts";
import { jobStatus, type TextractJob } from "./textract-job.ts";

/**
 * What Textract does not have: `GET /health`, `GET /jobs`, `GET /jobs/<JobId>`, `GET /ledger`, and `GET`, `POST` and
 * `DELETE /faults`. Without signatures, which is why the endpoint listens on loopback only; and not for web pages,
 * which reach loopback, too.
 */
export function createHelperRoutes(ports: {
  region: string;
  jobs: JobStore;
  ledger: Ledger;
  faults: Faults;
  /** Whether the endpoint is reached from its own machine only. */
  loopback: boolean;
  readBody(request: IncomingMessage): Promise<Buffer>;
}) {
  return async function helperRoute(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { origin, host } = request.headers;
    // A page's own name may have been led to this machine: then the browser sends no origin, but that name.
    if (origin !== undefined || (ports.loopback && !isLoopbackHost(host))) {
      sendJson(response, 403, { error: "These paths are not for web pages." });
      return;
    }
    const path = request.url?.split("?")[0] ?? "";
    const route = `${request.method} ${path}`;
    const jobId = /^GET \/jobs\/([a-zA-Z0-9-_]+)$/.exec(route)?.[1];
    if (route === "GET /health") {
      const running = ports.jobs.open().length;
      sendJson(response, 200, { status: "ok", region: ports.region, openJobs: running });
    } else if (route === "GET /jobs") {
      sendJson(response, 200, { jobs: ports.jobs.open().map(describe) });
    } else if (jobId !== undefined) {
      const job = ports.jobs.get(jobId);
      sendJson(response, job === undefined ? 404 : 200, job === undefined ? { error: "No such job." } : describe(job));
    } else if (route === "GET /ledger") {
      response.writeHead(200, { "content-type": "application/jsonl" });
      await pipeline(ports.ledger.read(), response);
    } else if (path === "/faults") {
      await faultsRoute(request, response);
    } else {
      sendJson(response, 404, {
        error: "Textract's operations are at POST /; see docs/local-textract.md for the rest.",
      });
    }
  };

  async function faultsRoute(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      if (request.method === "POST") ports.faults.add(JSON.parse((await ports.readBody(request)).toString("utf8")));
      else if (request.method === "DELETE") ports.faults.clear();
      else if (request.method !== "GET") throw new DocketError("InvalidInput", `${request.method} is not for /faults.`);
      sendJson(response, 200, { faults: ports.faults.list() });
    } catch (error) {
      if (!(error instanceof DocketError) && !(error instanceof SyntaxError)) throw error;
      sendJson(response, 400, { error: error.message });
    }
  }
}

/** A job as `/jobs` shows it. */
function describe(job: TextractJob): object {
  return {
    jobId: job.jobId,
    status: jobStatus(job),
    operation: job.operation,
    bucket: job.document.bucket,
    key: job.document.key,
    jobTag: job.jobTag ?? null,
    pages: job.pages ?? null,
    pagesDone: job.pagesDone,
    acceptedAt: new Date(job.acceptedAt).toISOString(),
    notificationChannel: job.notificationChannel ?? null,
    kmsKeyId: job.kmsKeyId ?? null,
  };
}

function sendJson(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
}
