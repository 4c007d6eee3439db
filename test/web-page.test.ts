import { randomUUID } from "node:crypto";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createPagePictures, type PagePictures } from "#docket/web/page-pictures";
import { startWebServer, type WebServer } from "#docket/web/server";
import { connectStack } from "./support/stack.ts";

// The page over HTTP, on a real database and S3, with a real picture of a page.
const project = `web-${randomUUID().slice(0, 8)}`;
const word = `zq${randomUUID().replaceAll("-", "").replace(/\d/g, "x").slice(0, 10)}`;
const hostileName = `${word} "><script>alert(1)</script>\u202egnp.pdf`;
let stack: Awaited<ReturnType<typeof connectStack>>;
let web: WebServer;
let good: string;
let hostile: string;

interface Row {
  fileName: string;
  status: "complete" | "failed";
  key: string;
  lines: { text: string; confidence: number }[][];
}

async function addDocument({ fileName, status, key, lines }: Row): Promise<string> {
  const { id: projectId } = await stack.database.project.upsert({
    where: { slug: project },
    create: { id: randomUUID(), slug: project },
    update: {},
  });
  const id = randomUUID();
  const failure = {
    failureType: "TooManyPages",
    failureMessage: "It has <b>9,000</b> pages & more.",
    failureRemedy: "Split it.",
  };
  await stack.database.document.create({
    data: {
      id,
      projectId,
      bucket: stack.bucket,
      key,
      status,
      engine: "local",
      workflowId: id,
      runId: id,
      expectedPages: lines.length,
      storedPages: lines.length,
      characters: 10,
      finishedAt: new Date(),
      ...(status === "failed" ? failure : {}),
      metadata: { create: { fileName, source: "test" } },
      events: {
        create: [
          { runId: id, kind: "record-created", detail: { note: "<i>escaped</i>" } },
          { runId: id, kind: "completed" },
        ],
      },
      pages: {
        create: lines.map((page, i) => ({
          number: i + 1,
          text: page.map(({ text }) => text).join("\n"),
          characters: 10,
          confidence: 90,
          lines: page.map(({ text, confidence }, l) => ({
            text,
            confidence,
            box: { left: 0.1, top: 0.1 * (l + 1), width: 0.5, height: 0.05 },
            words: text.split(" ").map((part, w) => ({
              text: part,
              confidence,
              box: { left: 0.1 + w * 0.2, top: 0.1 * (l + 1), width: 0.15, height: 0.05 },
            })),
          })),
          source: "recognition" as const,
          engine: "local" as const,
          writtenBy: id,
        })),
      },
    },
  });
  return id;
}

async function get(path: string): Promise<{ status: number; text: string; headers: Headers }> {
  const response = await fetch(new URL(path, web.address));
  return { status: response.status, text: await response.text(), headers: response.headers };
}

/** A request that names a host of its own, which fetch does not allow. */
function statusFor(host: string): Promise<number> {
  const { port } = new URL(web.address);
  return new Promise((resolve, reject) => {
    request({ host: "127.0.0.1", port, path: "/", headers: { host } }, (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    })
      .once("error", reject)
      .end();
  });
}

beforeAll(async () => {
  stack = await connectStack();
  const { key } = await stack.upload(`${project}/settlement.pdf`, "samples/settlement-mixed.pdf");
  good = await addDocument({
    fileName: `settlement ${word}.pdf`,
    status: "complete",
    key,
    lines: [
      [
        { text: `The ${word} agreement, signed`, confidence: 97 },
        { text: "doubtful scrawl", confidence: 41 },
      ],
      [{ text: "second page", confidence: 99 }],
    ],
  });
  hostile = await addDocument({
    fileName: hostileName,
    status: "failed",
    key: `${project}/gone.pdf`,
    lines: [[{ text: `${word}x <script>alert("1")</script> </svg>`, confidence: 12 }]],
  });
  web = await startWebServer({ database: stack.database, storage: stack.storage, port: 0 });
});
afterAll(async () => {
  await web.close();
  await stack.close();
});

/** The address of the list's next page. */
function nextOf(text: string): string {
  return /href="(\/\?[^"]*after=[^"]*)" rel="next"/.exec(text)?.[1]?.replaceAll("&amp;", "&") ?? "";
}

/** Ids of the documents on a page of the list. */
function shownOn(text: string): string[] {
  return [...text.matchAll(/href="\/documents\/([\w-]{36})"/g)].map(([, id = ""]) => id);
}

describe("the list", () => {
  it("shows documents with a link, and filters by project, status, failure and name", async () => {
    const all = await get(`/?project=${project}`);
    expect(all.status).toBe(200);
    for (const id of [good, hostile]) expect(all.text).toContain(`href="/documents/${id}"`);
    for (const filter of ["status=complete", "name=SETTLEMENT"]) {
      const { text } = await get(`/?project=${project}&${filter}`);
      expect(text).toContain(`/documents/${good}"`);
      expect(text).not.toContain(`/documents/${hostile}"`);
    }
    for (const filter of ["status=failed", "failure=TooManyPages"]) {
      const { text } = await get(`/?project=${project}&${filter}`);
      expect(text).toContain(`/documents/${hostile}"`);
      expect(text).not.toContain(`/documents/${good}"`);
    }
    expect((await get(`/?project=${project}&status=cancelled`)).text).toContain("No document fits these filters");
  });

  it("goes on to older documents, each shown once", async () => {
    const slug = `${project}-many`;
    const { id: projectId } = await stack.database.project.create({ data: { id: randomUUID(), slug } });
    const ids = Array.from({ length: 70 }, () => randomUUID());
    await stack.database.document.createMany({
      data: ids.map((id) => ({
        id,
        projectId,
        bucket: "none",
        key: id,
        engine: "local" as const,
        workflowId: id,
        runId: id,
      })),
    });
    const first = await get(`/?project=${slug}`);
    const second = await get(nextOf(first.text));
    expect([...shownOn(first.text), ...shownOn(second.text)].sort()).toEqual(ids.sort());
    expect(second.text).not.toContain('rel="next"');
  });

  it("goes on where it stopped, also when the last document of a page is not in the list any more", async () => {
    const where = { project: { slug: `${project}-many` } };
    const received = await get(`/?project=${project}-many&status=received`);
    const left = shownOn(received.text).at(-1) ?? "";
    const failure = { failureType: "Cancelled", failureMessage: "On request.", failureRemedy: "Submit it again." };
    const cancelled = { status: "cancelled" as const, finishedAt: new Date(), ...failure };
    await stack.database.document.update({ where: { id: left }, data: cancelled });
    const older = await get(nextOf(received.text));
    expect(shownOn(received.text).length + shownOn(older.text).length).toBe(
      await stack.database.document.count({ where }),
    );

    const all = await get(`/?project=${project}-many`);
    await stack.database.document.delete({ where: { id: shownOn(all.text).at(-1) ?? "" } });
    const rest = await get(nextOf(all.text));
    expect(shownOn(rest.text)).toHaveLength((await stack.database.document.count({ where })) - 49);
  });
});

it("a page shows its correction beside what was recognised, with who and when", async () => {
  const path = `/documents/${good}/pages/2`;
  expect((await get(path)).text).not.toContain("Corrected");
  const correctedAt = new Date("2026-11-20T12:00:00Z");
  const row = { text: "second <i>sage</i>", characters: 18, correctedBy: "Ann & Co", correctedAt };
  await stack.database.pageCorrection.create({ data: { documentId: good, number: 2, ...row } });
  const { text } = await get(path);
  expect(text).toMatch(/Corrected by Ann &amp; Co on <time datetime="2026-11-20T12:00:00.000Z">/);
  expect(text).toContain("second &lt;i&gt;sage&lt;/i&gt;");
  expect(text).toContain("Recognised text");
  expect(text).toContain("second page");
  // What the search finds is the correction: its word is marked there, and what it replaced is not found any more.
  const found = await get(`${path}?q=second`);
  expect(found.text).toContain("1 word found by");
  expect(found.text).toContain("<mark>second</mark> &lt;i&gt;sage&lt;/i&gt;");
  expect((await get(`${path}?q=page`)).text).toContain("no word found by");
  await stack.database.pageCorrection.delete({ where: { documentId_number: { documentId: good, number: 2 } } });
});

describe("what documents hold is text and never markup", () => {
  it.each(["/", "/documents/", "/documents/ID/pages/1", "/search?q=WORDx"])("%s", async (path) => {
    const where = path === "/documents/" ? `/documents/${hostile}` : path.replace("ID", hostile).replace("WORD", word);
    const { status, text, headers } = await get(where === "/" ? `/?project=${project}` : where);
    expect(status).toBe(200);
    expect(text).toContain("&lt;script&gt;alert(1)&lt;/script&gt;");
    expect(text).not.toMatch(/<script|\u202e|<b>9,000|<i>escaped/);
    expect(headers.get("content-security-policy")).toContain("default-src 'none'");
    expect(headers.get("cache-control")).toBe("no-store");
    // Strict as the policy is, nothing on the page may need more than it allows.
    expect(text).not.toMatch(/ style=| on\w+=|https?:(?!\/\/www\.w3\.org)/);
  });

  it("neither does an address", async () => {
    const { text } = await get(
      `/search?q=${encodeURIComponent('"><script>alert(2)</script>')}&project=%22%3E%3Cscript%3E`,
    );
    expect(text).not.toContain("<script");
    expect((await get("/?name=%00%22%3E&project=%F0%9F&after=x&status=__proto__")).status).toBe(200);
  });
});

describe("a document", () => {
  it("tells what happened, in order, and what to do about a failure", async () => {
    const { text } = await get(`/documents/${hostile}`);
    expect(text.indexOf("Handed in")).toBeLessThan(text.indexOf("<strong>Completed"));
    expect(text).toContain("It has &lt;b&gt;9,000&lt;/b&gt; pages &amp; more.");
    expect(text).toContain("Split it.");
  });

  it("shows a page's words on its picture, doubtful and found ones marked", async () => {
    const { text } = await get(`/documents/${good}/pages/1?q=${word}`);
    expect(text).toContain(`<title>${word} · 97%</title>`);
    expect(text).toMatch(/<rect id="w1-2" class="found"/);
    expect(text).toMatch(/<rect id="w2-1" class="doubtful"/);
    expect(text).toContain("2 words below 80%");
    expect(text).toMatch(/href="\/documents\/[\w-]+\/pages\/2\?q=/);
    const [, width, height] = /viewBox="0 0 (\d+) (\d+)"/.exec(text) ?? [];
    const picture = await fetch(new URL(`/documents/${good}/pages/1/picture.png`, web.address));
    expect(picture.headers.get("content-type")).toBe("image/png");
    const png = Buffer.from(await picture.arrayBuffer());
    expect([png.readUInt32BE(16), png.readUInt32BE(20)]).toEqual([Number(width), Number(height)]);
    // A page with text on it is no white sheet.
    expect(png.length).toBeGreaterThan(20_000);
  });

  it("shows the words on empty paper, and says why, where the original is gone", async () => {
    const { status, text } = await get(`/documents/${hostile}/pages/1`);
    expect(status).toBe(200);
    expect(text).toMatch(/No picture: .*gone\.pdf/);
    expect(text).toContain('class="doubtful"');
    expect((await get(`/documents/${hostile}/pages/1/picture.png`)).status).toBe(503);
  });
});

describe("what the page keeps of a document", () => {
  const documentOf = async (name: string) => {
    const { key } = await stack.upload(`${project}/${name}`, "samples/court-order.png");
    return addDocument({ fileName: name, status: "complete", key, lines: [[{ text: "order", confidence: 99 }]] });
  };
  const pictureOf = async (id: string) => {
    const response = await fetch(new URL(`/documents/${id}/pages/1/picture.png`, web.address));
    return { status: response.status, kept: response.headers.get("cache-control"), png: await response.arrayBuffer() };
  };

  it("is not shown any more when the document was deleted, neither by the browser", async () => {
    const id = await documentOf("deleted.png");
    expect(await pictureOf(id)).toMatchObject({ status: 200, kept: "no-store" });
    await stack.database.document.delete({ where: { id } });
    expect((await pictureOf(id)).status).toBe(404);
  });

  it("is another picture when other content was read", async () => {
    const id = await documentOf("replaced.png");
    const before = await pictureOf(id);
    await stack.upload(`${project}/replaced.png`, "samples/invoice.jpg");
    await stack.database.documentMetadata.update({ where: { documentId: id }, data: { etag: "another" } });
    const after = await pictureOf(id);
    expect([before.status, after.status]).toEqual([200, 200]);
    expect(Buffer.from(after.png).equals(Buffer.from(before.png))).toBe(false);
  });

  /** Pictures of their own, in a temporary folder of their own. */
  const withPictures = async (use: (pictures: PagePictures, files: () => Promise<string>) => Promise<void>) => {
    const before = process.env["TMPDIR"];
    const temporary = await mkdtemp(join(tmpdir(), "docket-web-test-"));
    process.env["TMPDIR"] = temporary;
    const pictures = await createPagePictures(stack.database, stack.storage, { sweepMilliseconds: 50 });
    try {
      await use(pictures, async () => (await readdir(temporary, { recursive: true })).join(" "));
    } finally {
      await pictures.close();
      if (before === undefined) delete process.env["TMPDIR"];
      else process.env["TMPDIR"] = before;
      await rm(temporary, { recursive: true });
    }
  };

  it("is removed from the disk, also when nobody asks for the document again", () =>
    withPictures(async (pictures, files) => {
      const [gone, stays] = [await documentOf("gone.png"), await documentOf("stays.png")];
      await pictures.draw(gone, 1);
      const { path } = await pictures.draw(stays, 1);
      await stack.database.document.delete({ where: { id: gone } });
      await expect.poll(files).not.toContain(gone);
      expect(path).toContain(stays);
      expect(await files()).toContain(stays);
      await pictures.close();
      expect(await files()).toBe("");
    }));

  it("is drawn again where the system has tidied it away, or the whole folder", () =>
    withPictures(async (pictures, files) => {
      const id = await documentOf("tidied.png");
      const { path } = await pictures.draw(id, 1);
      await rm(path);
      expect(await pictures.draw(id, 1)).toMatchObject({ path });
      expect((await readFile(path)).length).toBeGreaterThan(0);
      await rm(dirname(path), { recursive: true });
      const again = await pictures.draw(id, 1);
      expect(dirname(again.path)).not.toBe(dirname(path));
      expect((await readFile(again.path)).length).toBeGreaterThan(0);
      await pictures.close();
      expect(await files()).toBe("");
    }));
});

describe("search", () => {
  it("leads to the page, with the words marked", async () => {
    const { text } = await get(`/search?q=${word}&project=${project}`);
    expect(text).toContain(`href="/documents/${good}/pages/1?q=${word}"`);
    expect(text).toContain(`<mark>${word}</mark>`);
    expect((await get("/search?q=the%20of")).text).toContain("There is nothing to look for");
  });
});

describe("the server", () => {
  it("answers to loopback names only, and to reading only", async () => {
    const { port } = new URL(web.address);
    expect(await statusFor(`localhost:${port}`)).toBe(200);
    expect(await statusFor("127.0.0.1")).toBe(200);
    for (const host of ["evil.example", `evil.example:${port}`, "127.0.0.1.evil.example", "localhost@evil.example"]) {
      expect(await statusFor(host)).toBe(421);
    }
    for (const method of ["POST", "DELETE"]) {
      expect((await fetch(web.address, { method })).status).toBe(405);
    }
  });

  it("has nothing at other addresses", async () => {
    const paths = [
      "/etc",
      `/documents/${randomUUID()}`,
      `/documents/${good}/pages/3`,
      `/documents/${good}/pages/0`,
      `/documents/${good}/pages/1/picture.png/..%2f..%2fetc`,
      "/documents/..%2f..%2fetc%2fpasswd",
      "//evil.example",
    ];
    for (const path of paths) {
      const response = await fetch(`${web.address.replace(/\/$/, "")}${path}`);
      expect([path, response.status]).toEqual([path, 404]);
    }
  });
});
