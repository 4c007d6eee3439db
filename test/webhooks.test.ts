import { createHmac, randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, type IncomingHttpHeaders, type Server } from "node:http";
import { type AddressInfo, createServer as createTcpServer, type Socket, type Server as TcpServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { postEvent } from "#docket/webhooks/post-event";
import { isWebhookSecret, signatureOf } from "#docket/webhooks/signature";
import { judgeAddress, networkList } from "#docket/webhooks/target-address";
import { connectStack, docket, documentQueues, type Running, startWorker } from "./support/stack.ts";

const secret = `whsec_${randomBytes(32).toString("base64")}`;
let stack: Awaited<ReturnType<typeof connectStack>>;
let worker: Running;
let folder: string;
let secretFile: string;
let receiver: Receiver;

interface Received {
  headers: IncomingHttpHeaders;
  body: string;
}

/** A real receiver, which answers as it is told and can go away and come back on its port. */
interface Receiver {
  url: string;
  received: Received[];
  answer: number;
  up(): Promise<void>;
  down(): Promise<void>;
}

/** A server of TCP and who came. */
interface Receiving {
  server: TcpServer;
  sockets: Socket[];
}

async function createReceiver(): Promise<Receiver> {
  let server: Server | undefined;
  let port = 0;
  const it: Receiver = {
    url: "",
    received: [],
    answer: 204,
    async up() {
      server = createServer(async (request, response) => {
        let body = "";
        for await (const chunk of request) body += chunk;
        it.received.push({ headers: request.headers, body });
        response.writeHead(it.answer, it.answer === 302 ? { location: it.url } : {}).end("x".repeat(200_000));
      }).listen(port, "127.0.0.1");
      await once(server, "listening");
      port = (server.address() as AddressInfo).port;
      it.url = `http://127.0.0.1:${port}/docket?key=hidden`;
    },
    async down() {
      server?.closeAllConnections();
      await new Promise((resolve) => server?.close(resolve));
    },
  };
  await it.up();
  return it;
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "docket-webhooks-"));
  secretFile = join(folder, "secret");
  await writeFile(secretFile, `${secret}\n`);
  stack = await connectStack();
  worker = await startWorker(documentQueues, { DOCKET_WEBHOOK_NETWORKS: "127.0.0.0/8" });
  receiver = await createReceiver();
});
afterAll(async () => {
  await worker.stop();
  await receiver.down();
  await stack.close();
  await rm(folder, { recursive: true });
});
beforeEach(async () => {
  receiver.received.length = 0;
  receiver.answer = 204;
  await fetch(`${process.env["AWS_ENDPOINT_URL_TEXTRACT"]}/faults`, { method: "DELETE" });
});

async function addWebhook(project: string): Promise<string> {
  const added = await docket([
    "webhook",
    "add",
    receiver.url,
    "--project",
    project,
    "--secret-file",
    secretFile,
    "--json",
  ]);
  expect(added.code).toBe(0);
  expect(added.stdout).not.toContain(secret);
  const webhook = JSON.parse(added.stdout);
  expect(Object.keys(webhook)).toEqual(["id", "project", "url", "createdAt"]);
  return webhook.id;
}

async function handIn(project: string, file = "samples/court-order.png") {
  const document = await stack.upload(`webhooks/${project}`, file);
  return stack.client.workflow.start("processDocument", {
    taskQueue: "documents",
    workflowId: `webhooks-${project}-${Date.now()}`,
    args: [{ document, project, customFields: { matter: "17" } }],
  });
}

const arrived = (count: number) =>
  expect.poll(() => receiver.received.length, { timeout: 90_000, interval: 100 }).toBeGreaterThanOrEqual(count);

/** Checks a post as a receiver does, by the specification and not by the code that made it. */
function verified({ headers, body }: Received) {
  const { "webhook-id": id, "webhook-timestamp": time, "webhook-signature": signature } = headers;
  const key = Buffer.from(secret.replace("whsec_", ""), "base64");
  expect(signature).toBe(`v1,${createHmac("sha256", key).update(`${id}.${time}.${body}`).digest("base64")}`);
  expect(Math.abs(Date.now() / 1000 - Number(time))).toBeLessThan(120);
  const event = JSON.parse(body);
  expect(event.id).toBe(id);
  return event;
}

describe("a project's webhook", () => {
  it("is told of a document's completion by a signed CloudEvent without any text", async () => {
    await addWebhook("webhook-complete");
    const result = await (await handIn("webhook-complete")).result();
    expect(result).not.toHaveProperty("webhooks");
    await arrived(1);
    const [post] = receiver.received;
    expect(post?.headers["content-type"]).toMatch(/^application\/cloudevents\+json/);
    const event = verified(post as Received);
    expect(event).toMatchObject({
      specversion: "1.0",
      type: "docket.document.complete",
      source: "/docket/projects/webhook-complete",
      subject: result.documentId,
      datacontenttype: "application/json",
      data: { documentId: result.documentId, customFields: { matter: "17" }, result, failure: null },
    });
    expect(Date.parse(event.time)).toBeGreaterThan(Date.now() - 600_000);
    const page = await stack.database.page.findFirstOrThrow({ where: { documentId: result.documentId } });
    expect(post?.body).not.toContain(page.text.split("\n")[0]);
  });

  it("that is down holds no document up, and is told when it is back; incomplete ones name their pages", async () => {
    await addWebhook("webhook-down");
    await receiver.down();
    const faults = [
      { kind: "partial-success", pages: [2] },
      { kind: "partial-success", pages: [1] },
    ];
    await fetch(`${process.env["AWS_ENDPOINT_URL_TEXTRACT"]}/faults`, { method: "POST", body: JSON.stringify(faults) });
    const handle = await handIn("webhook-down", "samples/service-agreement.pdf");
    const failure = await handle.result().catch((error) => error.cause.details[0]);
    expect(failure).toMatchObject({ type: "PagesFailed" });
    await worker.stop();
    await receiver.up();
    worker = await startWorker(documentQueues, { DOCKET_WEBHOOK_NETWORKS: "127.0.0.0/8" });
    await arrived(1);
    expect(verified(receiver.received[0] as Received)).toMatchObject({
      type: "docket.document.incomplete",
      data: { result: null, failure: { type: "PagesFailed", missingPages: [{ page: 2 }] } },
    });
  });

  it("that answers an error gets the same event again, with the same id", async () => {
    await addWebhook("webhook-failed");
    receiver.answer = 500;
    const document = { bucket: stack.bucket, key: "webhooks/not-there" };
    const args = [{ document, project: "webhook-failed" }];
    const options = { taskQueue: "documents", workflowId: "webhooks-failed", args };
    await stack.client.workflow.execute("processDocument", options).catch(() => undefined);
    await arrived(1);
    receiver.answer = 200;
    await arrived(2);
    const events = receiver.received.map(verified);
    expect(events[1]).toEqual(events[0]);
    expect(events[0]).toMatchObject({ type: "docket.document.failed", data: { failure: { type: "ObjectMissing" } } });
  });

  it("is listed without its secret, tested by a worker, and removed", async () => {
    const id = await addWebhook("webhook-commands");
    const listed = await docket(["webhook", "list", "--project", "webhook-commands", "--json"]);
    expect(JSON.parse(listed.stdout)).toEqual({
      id,
      project: "webhook-commands",
      url: receiver.url,
      createdAt: expect.any(String),
    });
    expect(await addWebhook("webhook-commands")).toBe(id);
    const tested = await docket(["webhook", "test", id, "--json"]);
    expect(JSON.parse(tested.stdout)).toEqual({ id, status: 204 });
    expect(verified(receiver.received[0] as Received).type).toBe("docket.webhook.test");
    receiver.answer = 302;
    const redirected = await docket(["webhook", "test", id]);
    expect(redirected).toMatchObject({ code: 1, stderr: expect.stringContaining("answers 302") });
    expect(redirected.stderr).not.toContain("hidden");
    expect(receiver.received).toHaveLength(2);
    expect((await docket(["webhook", "remove", id])).code).toBe(0);
    expect((await docket(["webhook", "test", id])).code).toBe(1);
  });

  it("is tested by a worker or not at all: without one that is said, and nothing is posted later", async () => {
    const id = await addWebhook("webhook-untaken");
    await worker.stop();
    const tested = await docket(["webhook", "test", id]);
    worker = await startWorker(documentQueues, { DOCKET_WEBHOOK_NETWORKS: "127.0.0.0/8" });
    expect(tested).toMatchObject({ code: 1, stderr: expect.stringContaining("a worker for the queue documents") });
    expect(tested.stderr).toContain("docket worker --queues documents");
    expect((await docket(["webhook", "test", id])).code).toBe(0);
    expect(receiver.received).toHaveLength(1);
  });

  it("is kept by its address' usual form, and one that is not encrypted says where it is posted to", async () => {
    const url = "HTTP://Example.com";
    const project = ["--project", "webhook-forms"];
    const added = await docket(["webhook", "add", url, ...project, "--secret-file", secretFile, "--json"]);
    expect(JSON.parse(added.stdout)).toMatchObject({ url: "http://example.com/" });
    expect(added.stderr).toContain("DOCKET_WEBHOOK_NETWORKS");
    expect((await docket(["webhook", "remove", url, ...project])).code).toBe(0);
    expect((await docket(["webhook", "remove"])).stderr).toContain("is to be removed?");
  });

  it.each([
    ["ftp://example.com/x", "no http:// or https:// address"],
    ["https://user:word@example.com/", "user name or password"],
  ])("%s is refused", async (url, message) => {
    const added = await docket(["webhook", "add", url, "--secret-file", secretFile]);
    expect(added).toMatchObject({ code: 1, stderr: expect.stringContaining(message) });
  });
});

describe("an address that a webhook leads to", () => {
  const nothing = networkList([]);
  it.each([
    ...["127.0.0.1", "10.1.2.3", "172.31.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "224.0.0.1"],
    ...["::1", "::", "fe80::1", "fd00::1", "::ffff:127.0.0.1", "::ffff:7f00:1", "0:0:0:0:0:ffff:a00:1", "ff02::1"],
    ...["64:ff9b::7f00:1", "2002:7f00:1::", "2001:db8::1", "::127.0.0.1", "255.255.255.255", "nonsense"],
  ])("%s is refused", (address) => expect(judgeAddress(address, nothing)).toBe("refused"));

  it.each(["93.184.216.34", "1.1.1.1", "2606:4700:4700::1111", "2a00:1450:4001::1"])("%s is public", (address) =>
    expect(judgeAddress(address, nothing)).toBe("public"),
  );

  it("is allowed where the setting names its network", () => {
    const allowed = networkList(["10.0.0.0/8", "fd00::/8"]);
    expect(["10.9.9.9", "::ffff:10.0.0.1", "fd12::1"].map((address) => judgeAddress(address, allowed))).toEqual(
      Array(3).fill("listed"),
    );
    expect(judgeAddress("192.168.0.1", allowed)).toBe("refused");
  });

  it("is judged when the name is resolved, however it is written, and nothing is sent to one that is refused", async () => {
    const { port } = new URL(receiver.url);
    for (const host of ["localhost", "127.0.0.1", "0x7f.1", "2130706433", "[::ffff:127.0.0.1]"]) {
      const url = `http://${host}:${port}/`;
      const post = { url, secret, id: "x", body: "{}", allowed: nothing, signal: new AbortController().signal };
      await expect(postEvent(post), host).rejects.toMatchObject({ type: "WebhookRefused" });
    }
    expect(receiver.received).toEqual([]);
  });
});

describe("a receiver that keeps to no rule", () => {
  const servers: Receiving[] = [];
  afterEach(() => {
    for (const { server, sockets } of servers.splice(0)) {
      for (const socket of sockets) socket.destroy();
      server.close();
    }
  });

  /** A receiver that writes what it is told as soon as something comes, and does not end the connection. */
  async function startReceiving(answer: string): Promise<Receiving> {
    const sockets: Socket[] = [];
    const server = createTcpServer((socket) => {
      sockets.push(socket.on("error", () => {}));
      socket.once("data", () => socket.write(answer));
    });
    await once(server.listen(0, "127.0.0.1"), "listening");
    servers.push({ server, sockets });
    return { server, sockets };
  }

  const left = ({ sockets }: Receiving) =>
    vi.waitFor(() => expect(sockets.map(({ destroyed }) => destroyed)).toEqual([true]), { timeout: 20_000 });

  const post = ({ server }: Receiving) => ({
    ...{ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, secret, id: "x", body: "{}" },
    ...{ allowed: networkList(["127.0.0.0/8"]), signal: new AbortController().signal },
  });

  it("and offers another protocol has not answered, and holds no place", { timeout: 30_000 }, async () => {
    const upgrade = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";
    const receiving = await startReceiving(upgrade);
    const failure = { type: "WebhookUnanswered", message: expect.stringContaining("answers 101") };
    await expect(postEvent(post(receiving))).rejects.toMatchObject(failure);
    await left(receiving);
  });

  it.each([
    ["says nothing", "", { rejects: { type: "WebhookUnanswered", message: expect.stringContaining("within 2 s") } }],
    ["says its status and never ends", "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n", { resolves: 200 }],
  ])(
    "and %s is left when the time is over, whatever memory is collected meanwhile",
    {
      timeout: 30_000,
    },
    async (_, answer, outcome) => {
      const receiving = await startReceiving(answer);
      const posted = postEvent(post(receiving), 2000).then(
        (resolves) => ({ resolves }),
        (rejects) => ({ rejects }),
      );
      await vi.waitFor(() => expect(receiving.sockets).toHaveLength(1));
      setFlagsFromString("--expose-gc");
      const collect = runInNewContext("gc") as () => void;
      for (let round = 0; round < 5; round++) {
        await sleep(50);
        collect();
      }
      await left(receiving);
      expect(await posted).toMatchObject(outcome);
    },
  );
});

describe("the signature", () => {
  it("is that of the specification's own example", () => {
    const example = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    const message = { id: "msg_p5jXN8AQM9LWM0D4loKWxJek", seconds: 1614265330, body: '{"test": 2432232314}' };
    expect(signatureOf(example, message)).toBe("v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
  });

  it("needs a secret of 24 to 64 bytes", () => {
    const of = (bytes: number) => isWebhookSecret(`whsec_${Buffer.alloc(bytes, 7).toString("base64")}`);
    expect([23, 24, 64, 65].map(of)).toEqual([false, true, true, false]);
    expect(isWebhookSecret("password")).toBe(false);
  });
});
