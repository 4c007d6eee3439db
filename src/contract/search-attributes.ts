import { defineSearchAttributeKey, SearchAttributeType } from "@temporalio/common";
import { searchAttributeNames } from "./process-document.ts";

/** Typed keys of Docket's search attributes; the server must know them (`docket doctor` checks). */
export const searchAttributes = {
  project: defineSearchAttributeKey(searchAttributeNames.project, SearchAttributeType.KEYWORD),
  stage: defineSearchAttributeKey(searchAttributeNames.stage, SearchAttributeType.KEYWORD),
  engine: defineSearchAttributeKey(searchAttributeNames.engine, SearchAttributeType.KEYWORD),
  pages: defineSearchAttributeKey(searchAttributeNames.pages, SearchAttributeType.INT),
  failureType: defineSearchAttributeKey(searchAttributeNames.failureType, SearchAttributeType.KEYWORD),
  batch: defineSearchAttributeKey(searchAttributeNames.batch, SearchAttributeType.KEYWORD),
};
