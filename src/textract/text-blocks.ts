import { storable } from "../contract/page-row.ts";
import { JsonCursor } from "./json-cursor.ts";

/** A block that a page's text is made of, with nothing of it but what a page keeps. */
export interface TextBlock {
  type: "PAGE" | "LINE" | "WORD";
  /** A single-page image has no page numbers: 1. */
  page: number;
  id: string | undefined;
  text: string;
  /** 0-100. */
  confidence: number;
  /** Text, confidence and box as the members of a JSON object that a page keeps; numbers as Textract wrote them. */
  members: string;
  /** Ids of the blocks that it is made of. */
  children: string[];
}

/** What is read of an answer of a Get to make pages of it. */
export interface TextAnswer {
  nextToken: string | null;
  /** Numbers of the pages that have blocks in it. */
  numbers: Set<number>;
  /** Tables, fields and answers are left out: they may come in another order, after pages that follow theirs. */
  blocks: TextBlock[];
}

/**
 * Reads the blocks of text of an answer.
 * @throws {Error} when it is not the JSON of an answer; it holds nothing of the body
 */
export function readTextBlocks(body: Uint8Array): TextAnswer {
  const answer: TextAnswer = { nextToken: null, numbers: new Set(), blocks: [] };
  let status: string | undefined;
  try {
    status = walk(new JsonCursor(body), answer);
  } catch (error) {
    // What a parser says may hold a piece of what it read: text of a document.
    throw error instanceof SyntaxError ? new Error("the answer is not JSON") : error;
  }
  if (status === undefined) throw new Error("the answer holds no JobStatus");
  return answer;
}

/** @returns the job's status */
function walk(json: JsonCursor, answer: TextAnswer): string | undefined {
  let status: string | undefined;
  for (let more = json.enterObject(); more; more = json.nextMember()) {
    if (json.isKey("JobStatus")) status = json.string();
    else if (json.isKey("NextToken")) answer.nextToken = json.string() ?? null;
    else if (json.isKey("Blocks")) {
      for (let another = json.enterArray(); another; another = json.nextElement()) readBlock(json, answer);
    } else json.skip();
  }
  json.end();
  return status;
}

function readBlock(json: JsonCursor, { numbers, blocks }: TextAnswer): void {
  let type: string | undefined;
  let page: number | undefined;
  let id: string | undefined;
  let text = "";
  let textJson = '""';
  let confidence = "0";
  let box = noBox;
  let children: string[] = none;
  for (let more = json.enterObject(); more; more = json.nextMember()) {
    if (json.isKey("BlockType")) type = json.string();
    else if (json.isKey("Page")) page = Number(json.number() ?? 1);
    else if (json.isKey("Id")) id = json.string();
    else if (json.isKey("Text")) {
      text = json.string() ?? "";
      textJson = json.isPlain ? `"${text}"` : JSON.stringify(storable(text));
    } else if (json.isKey("Confidence")) confidence = json.number() ?? "0";
    else if (json.isKey("Geometry")) box = readBox(json);
    else if (json.isKey("Relationships")) children = readChildren(json);
    else json.skip();
  }
  if (page !== undefined) numbers.add(page);
  if (type !== "PAGE" && type !== "LINE" && type !== "WORD") return;
  const members = `"text":${textJson},"confidence":${confidence},"box":${box}`;
  blocks.push({ type, page: page ?? 1, id, text, confidence: Number(confidence), members, children });
}

const none: string[] = [];
const noBox = '{"left":0,"top":0,"width":0,"height":0}';

/** The upright box of a block's geometry, as a page keeps it. */
function readBox(json: JsonCursor): string {
  let box = noBox;
  for (let more = json.enterObject(); more; more = json.nextMember()) {
    if (!json.isKey("BoundingBox")) {
      json.skip();
      continue;
    }
    let [left, top, width, height] = ["0", "0", "0", "0"];
    for (let another = json.enterObject(); another; another = json.nextMember()) {
      if (json.isKey("Left")) left = json.number() ?? "0";
      else if (json.isKey("Top")) top = json.number() ?? "0";
      else if (json.isKey("Width")) width = json.number() ?? "0";
      else if (json.isKey("Height")) height = json.number() ?? "0";
      else json.skip();
    }
    box = `{"left":${left},"top":${top},"width":${width},"height":${height}}`;
  }
  return box;
}

/** Ids of the blocks that a block is made of. */
function readChildren(json: JsonCursor): string[] {
  let children = none;
  for (let more = json.enterArray(); more; more = json.nextElement()) {
    let type: string | undefined;
    let ids: string[] = none;
    for (let another = json.enterObject(); another; another = json.nextMember()) {
      if (json.isKey("Type")) type = json.string();
      else if (json.isKey("Ids")) ids = readStrings(json);
      else json.skip();
    }
    if (type === "CHILD") children = children.length === 0 ? ids : [...children, ...ids];
  }
  return children;
}

function readStrings(json: JsonCursor): string[] {
  const strings: string[] = [];
  for (let more = json.enterArray(); more; more = json.nextElement()) strings.push(json.string() ?? "");
  return strings;
}
