import { createSocket, type Socket } from "node:dgram";
import { lookup } from "node:dns/promises";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import type { AddressInfo } from "node:net";
import { hostname } from "node:os";
import { afterAll, beforeAll, expect, it } from "vitest";
import { resolveName } from "#docket/webhooks/resolve-name";

/** A DNS server: null to a question is no answer at all. */
interface NameServer {
  address: string;
  questions: string[];
  answer: (name: string, type: number) => { code: number; ip?: number[] } | null;
}

const [typeA, notExisting] = [1, 3];
let socket: Socket;
const server: NameServer = { address: "", questions: [], answer: () => null };

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
  server.address = `127.0.0.1:${(socket.address() as AddressInfo).port}`;
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
  const resolved = names.map((name) => resolveName(name, post.signal, [server.address]).finally(() => ended++));
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
  const addresses = await resolveName("hooks.example", forever, [server.address]);
  expect(addresses).toEqual([{ address: "93.184.216.34", family: 4 }]);
});

it("a name that they do not know is looked for in the system's own way, as in the hosts file", async (test) => {
  server.answer = () => ({ code: notExisting });
  const known = await lookup(hostname(), { all: true }).catch(() => null);
  test.skip(known === null, "this machine does not know its own name");
  await expect(resolveName("nobody.invalid", forever, [server.address])).rejects.toMatchObject({
    syscall: "getaddrinfo",
  });
  expect(await resolveName(hostname(), forever, [server.address])).toEqual(known);
});
