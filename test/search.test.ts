import { randomUUID } from "node:crypto";
import pc from "picocolors";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { renderFoundPage } from "#docket/cli/render/found-page";
import { hasSearchWords, rankedPages, searchPages } from "#docket/database/search-pages";
import { connectStack, docket } from "./support/stack.ts";

// Words that no other test's document holds, so that the shared database does not matter.
const project = `search-${randomUUID().slice(0, 8)}`;
const word = `zq${randomUUID().replaceAll("-", "").replace(/\d/g, "x").slice(0, 10)}`;
let stack: Awaited<ReturnType<typeof connectStack>>;

async function addDocument(fileName: string, status: "complete" | "failed", pages: string[], slug = project) {
  const { id: projectId } = await stack.database.project.upsert({
    where: { slug },
    create: { id: randomUUID(), slug },
    update: {},
  });
  const id = randomUUID();
  const failure = { failureType: "PagesFailed", failureMessage: "one page is missing", failureRemedy: "look at it" };
  await stack.database.document.create({
    data: {
      id,
      projectId,
      bucket: "none",
      key: fileName,
      status,
      engine: "local",
      workflowId: id,
      runId: id,
      expectedPages: pages.length,
      storedPages: pages.length,
      characters: pages.join("").length,
      finishedAt: new Date(),
      ...(status === "failed" ? failure : {}),
      metadata: { create: { fileName, source: "test" } },
      pages: {
        create: pages.map((text, i) => ({
          number: i + 1,
          text,
          characters: text.length,
          lines: [],
          source: "recognition",
          engine: "local",
          writtenBy: id,
        })),
      },
    },
  });
  return id;
}

let letter: string;
beforeAll(async () => {
  stack = await connectStack();
  letter = await addDocument("letter.pdf", "complete", [
    "Nothing of interest is on the first page.",
    `The ${word} master closed the northern gates at noon.\nNobody was told.`,
    `A gate of the ${word}, and a master who was away.`,
  ]);
  await addDocument(
    "evil\u001b[2J.pdf",
    "complete",
    [`${word} ${word} \u0001forged\u0002 \u001b[31mred <b>bold</b>`],
    `${project}-b`,
  );
  await addDocument("gaps.pdf", "failed", [`The ${word} of a document with gaps.`]);
});
afterAll(() => stack.close());

const search = async (...args: string[]) => {
  const { code, stdout, stderr } = await docket(["search", ...args]);
  return { code, stdout, stderr };
};
const found = async (phrase: string, options: object = {}) => {
  const { pages } = await searchPages(stack.database, {
    phrase,
    limit: 10,
    project,
    statuses: ["complete"],
    ...options,
  });
  return pages.map(({ fileName, page }) => `${fileName} ${page}`);
};

describe("docket search", () => {
  it("finds pages by words in any form, by phrases, alternatives and exclusions", async () => {
    expect(await found(`${word} gate`)).toEqual(expect.arrayContaining(["letter.pdf 2", "letter.pdf 3"]));
    expect(await found(`"${word} master"`)).toEqual(["letter.pdf 2"]);
    expect(await found(`${word} -noon`)).toEqual(["letter.pdf 3"]);
    expect(await found(`"${word} master" or "was away" ${word}`)).toHaveLength(2);
    expect(await found(`"master ${word}"`)).toEqual([]);
    expect(await found(`${word} '); DROP TABLE pages; --`)).toEqual([]);
  });

  it("puts the page first on which the words stand closer together", async () => {
    const { pages } = await searchPages(stack.database, { phrase: `${word} master`, limit: 10, project });
    expect(pages.map(({ page }) => page)).toEqual([2, 3]);
    expect(pages[0]?.rank).toBeGreaterThan(pages[1]?.rank ?? 1);
  });

  it("looks at complete documents only, unless it is told otherwise, and keeps to a project", async () => {
    expect(await found(`${word} gaps`)).toEqual([]);
    expect(await found(`${word} gaps`, { statuses: undefined })).toEqual(["gaps.pdf 1"]);
    expect(await found("forged", { project: undefined, phrase: `${word} forged` })).toHaveLength(1);
    expect(await found(`${word} forged`)).toEqual([]);
  });

  it("prints document, page and snippet, and one JSON object a page for programs", async () => {
    const { code, stdout } = await search(`"${word} master"`, "--project", project);
    expect(code).toBe(0);
    expect(stdout).toContain(`letter.pdf, page 2  ${project} ${letter}`);
    expect(stdout).toContain(`«${word}» «master» closed the northern gates at noon`);
    const json = await search(word, "--project", project, "--limit", "1", "--json");
    const [row, ...more] = json.stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(more).toEqual([]);
    expect(Object.keys(row)).toEqual(["documentId", "fileName", "project", "status", "page", "rank", "snippet"]);
    expect(row).toMatchObject({ documentId: letter, project, status: "complete" });
    expect(row.snippet).toContainEqual({ text: word, match: true });
  });

  it("lets no document forge a mark or reach the terminal", async () => {
    const [page] = (await searchPages(stack.database, { phrase: word, limit: 1, project: `${project}-b` })).pages;
    const parts = page?.snippet ?? [];
    expect(parts.filter(({ match }) => match).map(({ text }) => text)).toEqual([word, word]);
    const shown = page === undefined ? "" : renderFoundPage(page, pc.createColors(true));
    expect(shown).toContain(pc.createColors(true).bold(pc.createColors(true).yellow(word)));
    expect(shown).not.toContain("\u001b[2J");
    expect(shown).not.toContain("\u001b[31m");
    expect(shown).toContain("forged");
  });

  it("says when there is nothing to look for, and when nothing was found", async () => {
    expect(await hasSearchWords(stack.database, "the of \0")).toBe(false);
    const [stopWords, nothing] = await Promise.all([search("the", "of"), search(`${word}nowhere`)]);
    expect(stopWords).toMatchObject({ code: 1, stdout: "" });
    expect(stopWords.stderr).toContain("remedy");
    expect(nothing).toMatchObject({ code: 0, stdout: "" });
    expect(nothing.stderr).toContain("No page");
  });

  it("ranks a bounded number of pages, and says when more match", async () => {
    const many = `${project}-many`;
    const pages = Array.from({ length: rankedPages + 5 }, (_, i) => `${word}many on sheet ${i}`);
    await addDocument("many.pdf", "complete", pages, many);
    const { pages: shown, truncated } = await searchPages(stack.database, {
      phrase: `${word}many`,
      limit: 3,
      project: many,
    });
    expect(shown).toHaveLength(3);
    expect(truncated).toBe(true);
    expect((await searchPages(stack.database, { phrase: word, limit: 3, project })).truncated).toBe(false);
  });
});
