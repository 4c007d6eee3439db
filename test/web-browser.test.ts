import { randomUUID } from "node:crypto";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startWebServer, type WebServer } from "#docket/web/server";
import { chromiumProgram, launchChromium } from "./support/chromium.ts";
import { connectStack } from "./support/stack.ts";

// The page in a real browser. Where none is installed, the HTTP tests (web-page.test.ts) have to do.
const axe = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const word = `zq${randomUUID().replaceAll("-", "").replace(/\d/g, "x").slice(0, 10)}`;
let stack: Awaited<ReturnType<typeof connectStack>>;
let web: WebServer;
let browser: Browser;
let id: string;

async function withPage(options: BrowserContextOptions, use: (page: Page) => Promise<void>): Promise<void> {
  // axe-core is put into the page by the test, past the page's own policy, which allows no script.
  const context = await browser.newContext({ baseURL: web.address, ...options });
  try {
    await use(await context.newPage());
  } finally {
    await context.close();
  }
}

const addresses = () => ({
  list: "/",
  "list without result": `/?name=${randomUUID()}`,
  document: `/documents/${id}`,
  page: `/documents/${id}/pages/1?q=${word}`,
  search: `/search?q=${word}`,
  "nothing found": `/search?q=${word}none`,
  "not found": "/nowhere",
});

describe.skipIf(chromiumProgram === undefined)("in a browser (skipped: no Chromium on the PATH)", () => {
  beforeAll(async () => {
    stack = await connectStack();
    id = randomUUID();
    const [projectId, slug] = [randomUUID(), `browser-${randomUUID().slice(0, 8)}`];
    const { key } = await stack.upload(`${slug}/order.png`, "samples/court-order.png");
    await stack.database.project.create({ data: { id: projectId, slug } });
    const box = { left: 0.1, top: 0.75, width: 0.3, height: 0.03 };
    const line = (text: string, confidence: number) => ({ text, confidence, box, words: [{ text, confidence, box }] });
    await stack.database.document.create({
      data: {
        ...{ id, projectId, bucket: stack.bucket, key, workflowId: id, runId: id, engine: "local" as const },
        ...{ status: "incomplete" as const, failureType: "PagesFailed", failureMessage: "Page 3 is gone." },
        ...{ failureRemedy: "Hand it in again.", missingPages: [{ page: 3, warning: "INTERNAL_ERROR" }] },
        ...{ expectedPages: 3, storedPages: 2, characters: 10, finishedAt: new Date() },
        metadata: { create: { fileName: `order ${word}.png`, source: "test" } },
        events: {
          create: [
            { runId: id, kind: "record-created" },
            { runId: id, kind: "incomplete" },
          ],
        },
        pages: {
          create: [1, 2].map((number) => ({
            ...{ number, text: `${word} smudge`, characters: 10, confidence: 70, writtenBy: id },
            ...{
              source: "recognition" as const,
              engine: "local" as const,
              lines: [line(word, 95), line("smudge", 40)],
            },
          })),
        },
      },
    });
    web = await startWebServer({ database: stack.database, storage: stack.storage, port: 0 });
    browser = await launchChromium();
  });
  afterAll(async () => {
    await browser?.close();
    await web?.close();
    await stack?.close();
  });

  it.each(["light", "dark"] as const)("is accessible in %s colours, by axe-core", async (colorScheme) => {
    await withPage({ colorScheme, bypassCSP: true }, async (page) => {
      for (const [name, address] of Object.entries(addresses())) {
        await page.goto(address);
        await page.evaluate(axe);
        const violations = await page.evaluate(`axe.run().then(({ violations }) =>
          violations.map(({ id, nodes }) => [id, nodes.map(({ html }) => html).slice(0, 3)]))`);
        expect([name, violations]).toEqual([name, []]);
      }
    });
  });

  it("fits a phone, without scrolling sideways", async () => {
    await withPage({ viewport: { width: 360, height: 740 } }, async (page) => {
      for (const [name, address] of Object.entries(addresses())) {
        await page.goto(address);
        expect([name, await page.evaluate("document.documentElement.scrollWidth")]).toEqual([name, 360]);
      }
    });
  });

  it("needs no JavaScript: search, hit, marked word, its place in the picture", async () => {
    await withPage({ javaScriptEnabled: false }, async (page) => {
      const refused: string[] = [];
      page.on("console", (message) => refused.push(message.text()));
      await page.goto("/");
      await page.getByRole("searchbox", { name: "Search in all pages" }).fill(word);
      await page.keyboard.press("Enter");
      await page.getByRole("link", { name: /page 1$/ }).click();
      expect(await page.getByRole("heading", { level: 1 }).textContent()).toBe("Page 1 of 3");
      expect(await page.locator("rect.found").count()).toBe(1);
      await page.getByRole("link", { name: "smudge" }).click();
      expect(page.url()).toMatch(/#w2-1$/);
      // The content security policy refused nothing that the page needs.
      expect(refused).toEqual([]);
    });
  });

  it("shows the picture below the words, at the same place and size", async () => {
    await withPage({}, async (page) => {
      await page.goto(`/documents/${id}/pages/1`);
      const drawn: { natural: number; shown: number; left: number; top: number } = await page.evaluate(`(async () => {
        const picture = new Image();
        picture.src = document.querySelector("svg.sheet image").href.baseVal;
        await picture.decode();
        const word = document.querySelector("#w1-1").getBoundingClientRect();
        const paper = document.querySelector("svg.sheet .paper").getBoundingClientRect();
        return {
          natural: picture.naturalWidth / picture.naturalHeight,
          shown: paper.width / paper.height,
          left: (word.left - paper.left) / paper.width,
          top: (word.top - paper.top) / paper.height,
        };
      })()`);
      expect(drawn.shown).toBeCloseTo(drawn.natural, 2);
      expect(drawn.left).toBeCloseTo(0.1, 2);
      expect(drawn.top).toBeCloseTo(0.75, 2);
    });
  });

  it("can be used by the keyboard: the first key press offers to skip to the content", async () => {
    await withPage({}, async (page) => {
      await page.goto("/");
      await page.keyboard.press("Tab");
      expect(await page.evaluate("document.activeElement.textContent")).toBe("Skip to content");
      await page.keyboard.press("Enter");
      expect(await page.evaluate("document.activeElement.id")).toBe("main");
    });
  });
});
