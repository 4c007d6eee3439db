import { defineSearchAttributeKey, type SearchAttributePair, SearchAttributeType } from "@temporalio/common";
import { type Engine, firstStage, searchAttributeNames } from "./process-document.ts";

/** Typed keys of Docket's search attributes; the server must know them (`docket doctor` checks). */
export const searchAttributes = {
  project: defineSearchAttributeKey(searchAttributeNames.project, SearchAttributeType.KEYWORD),
  stage: defineSearchAttributeKey(searchAttributeNames.stage, SearchAttributeType.KEYWORD),
  engine: defineSearchAttributeKey(searchAttributeNames.engine, SearchAttributeType.KEYWORD),
  pages: defineSearchAttributeKey(searchAttributeNames.pages, SearchAttributeType.INT),
  failureType: defineSearchAttributeKey(searchAttributeNames.failureType, SearchAttributeType.KEYWORD),
  batch: defineSearchAttributeKey(searchAttributeNames.batch, SearchAttributeType.KEYWORD),
};

/**
 * What whoever starts a document lists it with. A document that was started without is listed by its workflow, which costs
 * the server more.
 */
export function attributesAtStart({ project, engine }: { project: string; engine: Engine }): SearchAttributePair[] {
  return [
    { key: searchAttributes.project, value: project },
    { key: searchAttributes.engine, value: engine },
    { key: searchAttributes.stage, value: firstStage },
  ];
}
