// Draws the life of a document from the names in the code, as the Mermaid picture that the README shows.
//   node scripts/draw-life.mjs            prints it
//   node scripts/draw-life.mjs --write    puts it into README.md
import { readFileSync, writeFileSync } from "node:fs";
import { stages } from "#docket/contract/process-document";
import { retryPolicies } from "#docket/workflows/retry-policies";

/** The class of work of each step, as src/workflows/process-document.ts runs it. */
const policyOf = {
  ensureProject: "database",
  createRecord: "storage",
  writeMetadata: "storage",
  checkPrerequisites: "storage",
  stageObject: "storage",
  submitTextract: "textractSubmit",
  awaitTextract: "textractPoll",
  collectPages: "textractCollect",
  extractMissingPages: "storage",
  removeCopies: "cleanUp",
  recognizeLocally: "ocr",
  completeDocument: "database",
  failDocument: "database",
};

const node = (stage) => `  ${stage}["${stage}<br/><small>queue ${retryPolicies[policyOf[stage]].taskQueue}</small>"]`;

/** The picture, with its fence. */
export function lifeOfADocument() {
  return [
    "```mermaid",
    "flowchart TD",
    '  start(["processDocument<br/><small>bucket, key</small>"]) --> ensureProject',
    ...stages.map(node),
    "  ensureProject --> createRecord --> writeMetadata --> checkPrerequisites",
    '  createRecord -. "complete already: reused" .-> complete',
    "  checkPrerequisites -- engine textract --> submitTextract --> awaitTextract --> collectPages",
    '  checkPrerequisites -. "no Textract in the bucket\'s region" .-> stageObject --> submitTextract',
    '  awaitTextract -. "still at work: look again later" .-> awaitTextract',
    '  awaitTextract -. "job expired: new attempt" .-> submitTextract',
    "  checkPrerequisites -- engine local --> recognizeLocally",
    '  collectPages -. "pages missing: once more" .-> extractMissingPages --> submitTextract',
    "  collectPages --> completeDocument",
    '  collectPages -. "copies were made" .-> removeCopies --> completeDocument',
    "  recognizeLocally --> completeDocument --> complete([complete])",
    '  checkPrerequisites -. "every failed check, with its remedy" .-> failDocument --> failed(["failed: type, cause, remedy"])',
    '  collectPages -. "pages still missing" .-> failDocument --> incomplete(["incomplete: which pages"])',
    '  recognizeLocally -. "some pages missing" .-> failDocument',
    "```",
  ].join("\n");
}

if (process.argv[1] === new URL(import.meta.url).pathname) {
  const readme = new URL("../README.md", import.meta.url);
  const picture = lifeOfADocument();
  if (process.argv[2] === "--write") {
    const text = readFileSync(readme, "utf8");
    writeFileSync(
      readme,
      text.replace(/```mermaid\n[\s\S]*?```/, () => picture),
    );
  } else console.log(picture);
}
