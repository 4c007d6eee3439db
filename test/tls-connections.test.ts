import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import {
  connect as connectHttp2,
  createSecureServer,
  type Http2SecureServer,
  type IncomingHttpHeaders,
} from "node:http2";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { TLSSocket } from "node:tls";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { byDriver, createDatabase } from "#docket/database/client";
import { startBreakingProxy } from "../chaos/tcp-proxy.ts";
import { type Certificate, makeCertificate } from "./support/certificate.ts";
import { docket, stackEnvironment, startWorker } from "./support/stack.ts";

// Servers that end TLS before the real Temporal and the real PostgreSQL, as they stand before them in production.
let folder: string;
let server: Certificate;
let client: Certificate;
let stranger: Certificate;
let temporal: Http2SecureServer;
let postgres: Server;
const authorizations: (string | undefined)[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "docket-tls-"));
  server = await makeCertificate(folder, "server");
  client = await makeCertificate(folder, "client");
  stranger = await makeCertificate(folder, "stranger");
  temporal = await beforeTemporal(inject("environment")["TEMPORAL_ADDRESS"] ?? "");
  postgres = await beforePostgres(new URL(inject("environment")["DATABASE_URL"] ?? ""));
});
afterAll(async () => {
  temporal.close();
  postgres.close();
  await rm(folder, { recursive: true, force: true });
});

/** Takes clients with the right certificate only, and keeps what they authorize themselves with. */
async function beforeTemporal(address: string): Promise<Http2SecureServer> {
  const upstream = connectHttp2(`http://${address}`).on("error", () => {});
  const proxy = createSecureServer({
    ...{ cert: server.certificate, key: server.key, ca: client.certificate },
    ...{ requestCert: true, rejectUnauthorized: true },
  });
  proxy.on("stream", (stream, headers) => {
    authorizations.push(headers.authorization);
    const { ":authority": _, ...passed } = headers;
    const call = upstream.request(passed as IncomingHttpHeaders);
    let trailers: IncomingHttpHeaders = {};
    call.on("response", (answer, flags) => {
      if (stream.destroyed) return;
      // NGHTTP2_FLAG_END_STREAM: gRPC's answers without a body are headers alone.
      const ends = (flags & 1) !== 0;
      stream.respond(answer, ends ? { endStream: true } : { waitForTrailers: true });
    });
    call.on("trailers", (sent) => {
      trailers = sent;
    });
    stream.on("wantTrailers", () => stream.sendTrailers(trailers));
    for (const side of [stream, call]) side.on("error", () => {});
    stream.on("close", () => call.close());
    stream.pipe(call);
    call.pipe(stream);
  });
  proxy.on("close", () => upstream.close());
  proxy.on("sessionError", () => {});
  await once(proxy.listen(0, "127.0.0.1"), "listening");
  return proxy;
}

/** Answers PostgreSQL's request for TLS, and passes on what is inside. */
async function beforePostgres({ hostname, port }: URL): Promise<Server> {
  const proxy = createServer((plain: Socket) => {
    plain.on("error", () => {});
    plain.once("data", (request) => {
      // SSLRequest: length 8, code 80877103. Who does not ask is not let in.
      if (request.length !== 8 || request.readInt32BE(4) !== 80_877_103) {
        plain.destroy();
        return;
      }
      plain.write("S");
      const inside = new TLSSocket(plain, { isServer: true, cert: server.certificate, key: server.key });
      const service = connect({ host: hostname, port: Number(port) });
      for (const [one, other] of [
        [inside, service],
        [service, inside],
      ] as const) {
        one.on("error", () => other.destroy());
        one.on("close", () => other.destroy());
        one.pipe(other);
      }
    });
  });
  await once(proxy.listen(0, "127.0.0.1"), "listening");
  return proxy;
}

const portOf = (listening: { address(): unknown }) => (listening.address() as AddressInfo).port;
const setup = (variables: Record<string, string>, ...args: string[]) =>
  docket(["setup", "--service-wait", "0", "--json", ...args], stackEnvironment({ TEMPORAL_ADDRESS: "", ...variables }));
const temporalOnly = (variables: Record<string, string>) =>
  setup({ TEMPORAL_ADDRESS: `localhost:${portOf(temporal)}`, TEMPORAL_TLS: "", ...variables }, "--no-database");
const mutual = () => ({
  TEMPORAL_TLS_SERVER_CA_CERT_PATH: server.certificateFile,
  TEMPORAL_TLS_CLIENT_CERT_PATH: client.certificateFile,
  TEMPORAL_TLS_CLIENT_KEY_PATH: client.keyFile,
});

describe("Temporal behind TLS", () => {
  it("commands and workers connect with a client certificate and the server's authority", async () => {
    const { code, stdout } = await temporalOnly(mutual());
    expect(code).toBe(0);
    expect(stdout).toContain("search attributes");
    const worker = await startWorker("ocr", {
      ...{ TEMPORAL_ADDRESS: `localhost:${portOf(temporal)}`, TEMPORAL_TLS: "", ...mutual() },
    });
    await worker.stop();
  });

  it("an API key goes with every call", async () => {
    authorizations.length = 0;
    expect((await temporalOnly({ ...mutual(), TEMPORAL_API_KEY: "key-of-the-test" })).code).toBe(0);
    expect(authorizations.length).toBeGreaterThan(1);
    expect(new Set(authorizations)).toEqual(new Set(["Bearer key-of-the-test"]));
  });

  it("a profile of temporal.toml is used where it is named, and not by itself", async () => {
    const file = join(folder, "temporal.toml");
    const tls = `server_ca_cert_path = "${server.certificateFile}"\nclient_cert_path = "${client.certificateFile}"\nclient_key_path = "${client.keyFile}"`;
    await writeFile(
      file,
      `[profile.site]\naddress = "localhost:${portOf(temporal)}"\nnamespace = "default"\n[profile.site.tls]\n${tls}\n`,
    );
    const named = { TEMPORAL_TLS: "", TEMPORAL_NAMESPACE: "", TEMPORAL_CONFIG_FILE: file };
    expect(await setup({ ...named, TEMPORAL_PROFILE: "site" }, "--no-database")).toMatchObject({ code: 0 });
    const missing = await setup({ ...named, TEMPORAL_PROFILE: "elsewhere" }, "--no-database");
    expect(missing.code).toBe(1);
    expect(missing.stderr).toContain("elsewhere");
  });

  it("a server of another authority is not spoken to, nor one that wants a certificate without one", async () => {
    const wrong = await temporalOnly({ ...mutual(), TEMPORAL_TLS_SERVER_CA_CERT_PATH: stranger.certificateFile });
    expect(wrong.code).toBe(1);
    expect(wrong.stderr).toContain("TemporalUnavailable");
    const bare = await temporalOnly({ TEMPORAL_TLS_SERVER_CA_CERT_PATH: server.certificateFile });
    expect(bare.code).toBe(1);
  });
});

describe("PostgreSQL behind TLS", () => {
  const url = (authority: string) => {
    const address = new URL(inject("environment")["DATABASE_URL"] ?? "");
    address.hostname = "localhost";
    address.port = String(portOf(postgres));
    address.searchParams.set("sslmode", "verify-full");
    address.searchParams.set("sslrootcert", authority);
    return address.toString();
  };

  it("migrations and queries go through TLS that is verified", async () => {
    const DATABASE_URL = url(server.certificateFile);
    expect(await setup({ DATABASE_URL }, "--no-temporal")).toMatchObject({ code: 0 });
    expect(await docket(["breakers", "--json"], stackEnvironment({ DATABASE_URL }))).toMatchObject({ code: 0 });
  });

  it("sslmode=require verifies as well, and no-verify trusts anyone, as the runbook says", async () => {
    const address = new URL(url(server.certificateFile));
    address.searchParams.delete("sslrootcert");
    address.searchParams.set("sslmode", "require");
    const refused = await setup({ DATABASE_URL: address.toString() }, "--no-temporal");
    expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining("DatabaseUnavailable") });
    address.searchParams.set("sslmode", "no-verify");
    expect(await setup({ DATABASE_URL: address.toString() }, "--no-temporal")).toMatchObject({ code: 0 });
  });

  it("a server that works is waited for, and one that says nothing more is not", { timeout: 60_000 }, async () => {
    const vanishing = await startBreakingProxy(() => portOf(postgres));
    const address = new URL(url(server.certificateFile));
    address.port = String(vanishing.port);
    const database = createDatabase({ url: address.toString(), poolSize: 1, silentMilliseconds: 4000 });
    const work = () => byDriver(database).$queryRaw`SELECT pg_backend_pid() AS pid, pg_sleep(1.5)::text`;
    const [first] = (await work()) as { pid: number }[];
    await work();
    const [last] = (await work()) as { pid: number }[];
    expect(last?.pid).toBe(first?.pid);
    vanishing.silence();
    await expect(work()).rejects.toThrow("PostgreSQL said nothing for 4 s");
    await database.$disconnect();
    await vanishing.close();
  });

  it("a server of another authority is not spoken to", async () => {
    const { code, stderr } = await setup({ DATABASE_URL: url(stranger.certificateFile) }, "--no-temporal");
    expect(code).toBe(1);
    expect(stderr).toContain("DatabaseUnavailable");
  });
});
