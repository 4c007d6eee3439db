import { createSocket, type Socket } from "node:dgram";
import { lookup } from "node:dns/promises";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import type { AddressInfo } from "node:net";
import { hostname } from "node:os";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type NameService, resolveName } from "#docket/webhooks/resolve-name";
import { parseSearchList } from "#docket/webhooks/search-list";

/** A DNS server: null to a question is no answer at all. */
interface NameServer {
  service: NameService;
  questions: string[];
  answer: (name: string, type: number) => { code: number; ip?: number[] } | null;
}

const [typeA, serverFailure, notExisting] = [1, 2, 3];
let socket: Socket;
const server: NameServer = { service: { domains: [], ndots: 1 }, questions: [], answer: () => null };

beforeAll(async () => {
  socket = createSocket("udp4", (message, from) => {
    const labels: string[] = [];
    let at = 12;
    for (let length = message[at] ?? 0; length > 0; length = message[at] ?? 0) {
      labels.push(message.toString("latin1", at + 1, at + 1 + length));
      at += length + 1;
    }
    const type = message.readUInt16BE(at + 1);
    server.questions.push(labels.join("."));
    const answer = server.answer(labels.join("."), type);
    if (answer === null) return;
    const { code, ip = [] } = answer;
    const found = ip.length === 0 ? [] : [0xc0, 12, 0, type, 0, 1, 0, 0, 0, 60, 0, ip.length, ...ip];
    const header = [0x81, 0x80 + code, 0, 1, 0, ip.length === 0 ? 0 : 1, 0, 0, 0, 0];
    const question = message.subarray(12, at + 5);
    socket.send(Buffer.concat([message.subarray(0, 2), Buffer.from(header), question, Buffer.from(found)]), from.port);
  });
  await once(socket.bind(0, "127.0.0.1"), "listening");
  server.service.servers = [`127.0.0.1:${(socket.address() as AddressInfo).port}`];
});
afterAll(() => {
  socket.close();
});

const forever = new AbortController().signal;

it("names whose servers do not answer leave the process's threads to others, and end with the post", async () => {
  server.answer = () => null;
  const post = new AbortController();
  const names = Array.from({ length: 10 }, (_, index) => `slow-${index}.example`);
  let ended = 0;
  const resolved = names.map((name) => resolveName(name, post.signal, server.service).finally(() => ended++));
  await expect.poll(() => names.filter((name) => server.questions.includes(name)).length).toBe(names.length);
  // Both need a thread.
  await lookup("localhost");
  await readFile("package.json");
  expect(ended).toBe(0);
  post.abort(new Error("the post has ended"));
  for (const { status, reason } of (await Promise.allSettled(resolved)) as PromiseRejectedResult[]) {
    expect([status, reason.message]).toEqual(["rejected", "the post has ended"]);
  }
});

it("what the servers tell is taken", async () => {
  server.answer = (_, type) => (type === typeA ? { code: 0, ip: [93, 184, 216, 34] } : { code: 0 });
  const addresses = await resolveName("hooks.example", forever, server.service);
  expect(addresses).toEqual([{ address: "93.184.216.34", family: 4 }]);
});

it("a name that they do not know is looked for in the system's own way, as in the hosts file", async (test) => {
  server.answer = () => ({ code: notExisting });
  const known = await lookup(hostname(), { all: true }).catch(() => null);
  test.skip(known === null, "this machine does not know its own name");
  await expect(resolveName("nobody.invalid", forever, server.service)).rejects.toMatchObject({
    syscall: "getaddrinfo",
  });
  expect(await resolveName(hostname(), forever, server.service)).toEqual(known);
});

describe("with search domains, as in Kubernetes", () => {
  const pod = "search team-a.svc.cluster.test svc.cluster.test\nnameserver 10.96.0.10\noptions ndots:5 edns0\n";
  const inPod = () => ({ ...server.service, ...parseSearchList(pod) });
  const known = (names: Record<string, number[]>) => {
    server.questions.length = 0;
    server.answer = (name, type) => {
      const ip = names[name];
      if (ip === undefined) return { code: notExisting };
      return type === typeA ? { code: 0, ip } : { code: 0 };
    };
  };

  it("a service's name leads to the service, not to the public name of the same letters", async () => {
    known({ "hooks.dev": [93, 184, 216, 34], "hooks.dev.svc.cluster.test": [10, 96, 0, 7] });
    expect(await resolveName("hooks.dev", forever, inPod())).toEqual([{ address: "10.96.0.7", family: 4 }]);
    expect(await resolveName("hooks.dev.", forever, inPod())).toEqual([{ address: "93.184.216.34", family: 4 }]);
  });

  it("a public name is asked for after the search domains, and at once when it has dots enough", async () => {
    known({ "hooks.example": [93, 184, 216, 34], "a.b.c.d.e.example": [93, 184, 216, 35] });
    expect(await resolveName("hooks.example", forever, inPod())).toEqual([{ address: "93.184.216.34", family: 4 }]);
    const asked = ["hooks.example.team-a.svc.cluster.test", "hooks.example.svc.cluster.test", "hooks.example"];
    expect([...new Set(server.questions)]).toEqual(asked);
    server.questions.length = 0;
    expect(await resolveName("a.b.c.d.e.example", forever, inPod())).toHaveLength(1);
    expect([...new Set(server.questions)]).toEqual(["a.b.c.d.e.example"]);
  });

  it("a server that fails at a search domain lets no other name of the same letters be taken", async () => {
    known({ "hooks.invalid": [93, 184, 216, 34] });
    const { answer } = server;
    server.answer = (name, type) => (name.endsWith(".test") ? { code: serverFailure } : answer(name, type));
    await expect(resolveName("hooks.invalid", forever, inPod())).rejects.toMatchObject({ syscall: "getaddrinfo" });
    expect(server.questions).not.toContain("hooks.invalid");
  });
});
