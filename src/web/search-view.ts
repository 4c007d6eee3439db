import type { FoundPage, SearchAnswer } from "../database/search-pages.ts";
import { address, documentAddress, pageAddress } from "./addresses.ts";
import { count, plural } from "./format.ts";
import { type Html, html } from "./html.ts";
import { layout } from "./layout.ts";
import { statusBadge } from "./status-badge.ts";

/** Pages that one search shows. */
export const foundPages = 50;

export interface SearchFacts {
  phrase: string;
  project: string | undefined;
  /** null: the phrase has no word that could be looked for. */
  answer: SearchAnswer | null;
}

/** Pages that a phrase finds, best first. */
export function searchView({ phrase, project, answer }: SearchFacts): Html {
  const results = phrase === "" ? help() : answer === null ? tooCommon(phrase) : found(answer, phrase, project);
  const title = phrase === "" ? "Search" : `“${phrase}”`;
  return layout({ title, phrase, section: "search" }, html`<div class="title"><h1>${title}</h1></div>${results}`);
}

function found({ pages, truncated }: SearchAnswer, phrase: string, project: string | undefined): Html {
  const where = project === undefined ? "" : ` in ${project}`;
  if (pages.length === 0) {
    return html`<section class="empty"><h2>No page holds that${where}</h2>${
      project === undefined
        ? ""
        : html`<p><a href="${address("/search", { q: phrase })}">Search in all projects</a></p>`
    }${hints()}</section>`;
  }
  const how = pages.length < foundPages ? plural(pages.length, "page") : `the best ${count(foundPages)} pages`;
  return html`<p class="muted">${how}${where}${truncated ? "; more match than were ranked, a narrower phrase ranks all" : ""}${
    project === undefined ? "" : html` · <a href="${address("/search", { q: phrase })}">all projects</a>`
  }</p>
<ol class="results">${pages.map((page) => result(page, phrase))}</ol>`;
}

function result(page: FoundPage, phrase: string): Html {
  return html`<li><h2><a href="${pageAddress(page.documentId, page.page, phrase)}">${page.fileName ?? page.documentId},
page ${page.page}</a></h2>
<p>${page.snippet.map(({ text, match }) => (match ? html`<mark>${text}</mark>` : text))}</p>
<p class="under"><a href="${address("/search", { q: phrase, project: page.project })}">${page.project}</a> ·
<a href="${documentAddress(page.documentId)}">document</a>${page.status === "complete" ? "" : html` · ${statusBadge(page.status)}`}</p></li>
`;
}

function tooCommon(phrase: string): Html {
  return html`<section class="empty"><h2>There is nothing to look for in “${phrase}”</h2>
<p>Words like <em>the</em> and <em>of</em> are on every page and are not in the index.</p></section>`;
}

function help(): Html {
  return html`<section class="empty"><p>Search in the text of all documents.</p>${hints()}</section>`;
}

function hints(): Html {
  return html`<p class="muted"><code>"two words"</code> stand next to each other, <code>or</code> parts alternatives,
<code>-word</code> leaves pages out.</p>`;
}
