import { readFile } from "node:fs/promises";
import { failureOf } from "../client/failure-of.ts";
import { readDocuments, readHistory } from "../client/read-documents.ts";
import { isFailureType } from "../contract/failures.ts";
import type { Database } from "../database/client.ts";
import { matchedWords } from "../database/highlight-page.ts";
import { hasSearchWords, searchPages } from "../database/search-pages.ts";
import { parsePlace, uuid } from "./addresses.ts";
import { type DocumentFacts, documentView, linkedPages } from "./document-view.ts";
import { findChoices, findDocuments, type ListFilter } from "./find-documents.ts";
import type { Html } from "./html.ts";
import { problemPage } from "./layout.ts";
import { listView } from "./list-view.ts";
import type { PagePictures } from "./page-pictures.ts";
import { pageView } from "./page-view.ts";
import { readPageSummaries, readShownPage } from "./read-page.ts";
import { foundPages, searchView } from "./search-view.ts";
import { parseStatus } from "./status-badge.ts";
import { icon, style } from "./style.ts";
import type { Picture } from "./words-overlay.ts";

export interface Answer {
  status: number;
  type: string;
  body: string | Buffer;
  /** Seconds that the browser may keep it; left out: not at all. */
  keepSeconds?: number;
}

/** What the pages are made of. */
export interface WebPorts {
  database: Database;
  pictures: PagePictures;
}

/** The page is sent without its picture when that takes longer; the picture is there after a reload. */
const pictureMilliseconds = 8000;

/** Answers a GET of any address. Nothing that it does changes anything but the cache of pictures. */
export async function answer(ports: WebPorts, url: URL): Promise<Answer> {
  const parts = url.pathname.split("/").slice(1);
  const [first = "", id = "", pages, number, picture] = parts;
  if (url.pathname === "/") return list(ports, url);
  if (url.pathname === "/search") return search(ports, url);
  if (url.pathname === "/style.css") return { status: 200, type: "text/css", body: style, keepSeconds: 300 };
  if (url.pathname === "/icon.svg") return { status: 200, type: "image/svg+xml", body: icon, keepSeconds: 3600 };
  if (first !== "documents" || !uuid.test(id)) return notFound();
  if (parts.length === 2) return document(ports, id, url);
  const page = pages === "pages" && /^[1-9]\d{0,5}$/.test(number ?? "") ? Number(number) : null;
  if (page === null) return notFound();
  if (parts.length === 4) return pageOf(ports, id, page, url);
  if (parts.length === 5 && picture === "picture.png") return pictureOf(ports, id, page);
  return notFound();
}

/** An exception as a page that says what is wrong and what to do. */
export function answerError(error: unknown): Answer {
  const { type, message, remedy } = failureOf(error);
  const status = type === "DatabaseUnavailable" || type === "StorageUnavailable" ? 503 : 500;
  return page(
    problemPage(status === 503 ? "A service does not answer" : "Something went wrong", message, remedy),
    status,
  );
}

async function list({ database }: WebPorts, url: URL): Promise<Answer> {
  const filter = listFilter(url.searchParams);
  const [found, choices] = await Promise.all([findDocuments(database, filter), findChoices(database, filter)]);
  return page(listView(filter, found, choices));
}

function listFilter(parameters: URLSearchParams): ListFilter {
  const status = parseStatus(text(parameters, "status", 20));
  const project = text(parameters, "project", 63);
  const failure = text(parameters, "failure", 60);
  const name = text(parameters, "name", 200);
  const after = parsePlace(text(parameters, "after", 61));
  return {
    ...(status === undefined ? {} : { status }),
    ...(project === undefined ? {} : { project }),
    ...(failure === undefined || !isFailureType(failure) ? {} : { failure }),
    ...(name === undefined ? {} : { name }),
    ...(after === undefined ? {} : { after }),
  };
}

async function search({ database }: WebPorts, url: URL): Promise<Answer> {
  const phrase = text(url.searchParams, "q", 400) ?? "";
  const project = text(url.searchParams, "project", 63);
  if (phrase === "" || !(await hasSearchWords(database, phrase)))
    return page(searchView({ phrase, project, answer: null }));
  const found = await searchPages(database, {
    phrase,
    limit: foundPages,
    ...(project === undefined ? {} : { project }),
  });
  return page(searchView({ phrase, project, answer: found }));
}

async function document({ database }: WebPorts, id: string, url: URL): Promise<Answer> {
  const [record] = await readDocuments(database, [id]);
  if (record === undefined) return notFound();
  const asked = text(url.searchParams, "from", 6);
  const from = asked !== undefined && /^[1-9]\d*$/.test(asked) ? Number(asked) : 1;
  const [history, pages, metadata] = await Promise.all([
    readHistory(database, id),
    readPageSummaries(database, id, from, linkedPages),
    database.documentMetadata.findUnique({ where: { documentId: id } }),
  ]);
  const facts: DocumentFacts = {
    record,
    history,
    pages,
    from,
    mediaType: metadata?.mediaType ?? null,
    sizeBytes: metadata?.sizeBytes === null || metadata === null ? null : Number(metadata.sizeBytes),
    source: metadata?.source ?? null,
  };
  return page(documentView(facts));
}

async function pageOf({ database, pictures }: WebPorts, id: string, number: number, url: URL): Promise<Answer> {
  const [record] = await readDocuments(database, [id]);
  if (record === undefined || (record.pages !== null && number > record.pages)) return notFound();
  const phrase = text(url.searchParams, "q", 400) ?? "";
  const [shown, found, picture] = await Promise.all([
    readShownPage(database, id, number),
    phrase === "" ? new Set<string>() : matchedWords(database, { documentId: id, number }, phrase),
    drawnSoon(pictures, id, number),
  ]);
  return page(pageView({ record, number, page: shown, picture, phrase, found }));
}

async function drawnSoon(pictures: PagePictures, id: string, number: number): Promise<Picture> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<Picture>((resolve) => {
    timer = setTimeout(
      () => resolve({ reason: "it is still being drawn; load this page again." }),
      pictureMilliseconds,
    );
  });
  try {
    return await Promise.race([pictures.draw(id, number), late]);
  } catch (error) {
    return { reason: failureOf(error).message };
  } finally {
    clearTimeout(timer);
  }
}

async function pictureOf({ pictures }: WebPorts, id: string, number: number): Promise<Answer> {
  try {
    const { path } = await pictures.draw(id, number);
    // Not for the browser to keep: the document may be deleted, or its content be another one.
    return { status: 200, type: "image/png", body: await readFile(path) };
  } catch (error) {
    const { type, message } = failureOf(error);
    return { status: type === "RecordMissing" ? 404 : 503, type: "text/plain; charset=utf-8", body: `${message}\n` };
  }
}

function notFound(): Answer {
  return page(
    problemPage("Not found", "There is nothing at this address.", "It may name a document that was deleted."),
    404,
  );
}

function page(content: Html, status = 200): Answer {
  return { status, type: "text/html; charset=utf-8", body: content.markup };
}

/** A parameter without white space around it; undefined when it is empty; cut at a length. */
function text(parameters: URLSearchParams, name: string, most: number): string | undefined {
  const value = parameters.get(name)?.replaceAll("\0", " ").toWellFormed().trim().slice(0, most);
  return value === "" ? undefined : value;
}
