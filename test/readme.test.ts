import { readFile } from "node:fs/promises";
import { expect, it } from "vitest";
import { stages } from "#docket/contract/process-document";
import { lifeOfADocument } from "../scripts/draw-life.mjs";

it("the README's picture is the one that the code draws, with every step in it", async () => {
  const readme = await readFile("README.md", "utf8");
  expect(readme).toContain(lifeOfADocument());
  for (const stage of stages) expect(lifeOfADocument()).toContain(stage);
});

it("the README's links inside the repository lead somewhere", async () => {
  const readme = await readFile("README.md", "utf8");
  const links = [...readme.matchAll(/\]\((?!https?:)([^)#]+)\)/g)].map(([, target]) => target ?? "");
  expect(links.length).toBeGreaterThan(5);
  for (const link of links) await expect(readFile(link), link).resolves.toBeDefined();
});
