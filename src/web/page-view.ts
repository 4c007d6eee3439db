import type { DocumentRecord } from "../client/read-documents.ts";
import { bareWord } from "../database/highlight-page.ts";
import type { CorrectedText } from "../database/page-corrections.ts";
import { address, documentAddress, pageAddress } from "./addresses.ts";
import { count, percent, plural, time } from "./format.ts";
import { type Html, html } from "./html.ts";
import { layout } from "./layout.ts";
import type { ShownPage } from "./read-page.ts";
import { doubtfulConfidence, type MarkedWord, markWords, type Picture, wordsOverlay } from "./words-overlay.ts";

export interface PageFacts {
  record: DocumentRecord;
  number: number;
  /** null: no text of it is stored. */
  page: ShownPage | null;
  picture: Picture;
  phrase: string;
  /** Words that the phrase finds, in lower case. */
  found: ReadonlySet<string>;
}

const sources: Record<ShownPage["source"], string> = {
  textract: "read by Textract",
  "text-layer": "from the document’s own text",
  recognition: "recognised on this machine",
};

/** One page: its picture with the words on it, and its text beside. */
export function pageView({ record, number, page, picture, phrase, found }: PageFacts): Html {
  const name = record.fileName ?? record.location;
  const last = record.pages ?? number;
  const to = (target: number) => pageAddress(record.documentId, target, phrase);
  const lines = page === null ? [] : markWords(page, found);
  const head = html`${number > 1 ? html`<link rel="prev" href="${to(number - 1)}">` : ""}${
    number < last ? html`<link rel="next" href="${to(number + 1)}">` : ""
  }`;
  return layout(
    { title: `Page ${number} of ${name}`, phrase, head },
    html`<nav class="trail" aria-label="Where you are"><a href="/">Documents</a>
<a href="${address("/", { project: record.project })}">${record.project}</a>
<a href="${documentAddress(record.documentId)}">${name}</a></nav>
<div class="title"><h1>Page ${count(number)} <span class="muted">of ${count(last)}</span></h1>
<nav class="steps" aria-label="Pages">
${number > 1 ? html`<a rel="prev" accesskey="p" href="${to(number - 1)}">Previous</a>` : html`<span class="off">Previous</span>`}
${number < last ? html`<a rel="next" accesskey="n" href="${to(number + 1)}">Next</a>` : html`<span class="off">Next</span>`}
</nav></div>
<p class="muted">${page === null ? "No text of this page is stored." : summary(page, lines, { phrase, found })}</p>
<div class="reader">
<figure>
<input type="checkbox" id="boxes" class="switch" checked><label for="boxes">Mark the words</label>
${wordsOverlay(record.documentId, number, picture, lines)}
${"reason" in picture ? html`<figcaption class="muted">No picture: ${picture.reason}</figcaption>` : ""}
</figure>
<div class="texts">${page?.correction ? correction(page.correction, found) : ""}
<section aria-labelledby="text"><h2 id="text">${page?.correction ? "Recognised text" : "Text"}</h2>${
      page === null ? html`<p class="muted">None.</p>` : text(page, lines)
    }</section></div>
</div>`,
  );
}

type Search = Pick<PageFacts, "phrase" | "found">;

function summary(page: ShownPage, lines: MarkedWord[][], { phrase, found: sought }: Search): string {
  const words = lines.flat();
  const doubtful = words.filter((word) => word.doubtful).length;
  // What the search has found is the text that counts.
  const found = page.correction
    ? piecesOf(page.correction.text).filter((piece) => isFound(piece, sought)).length
    : words.filter((word) => word.found).length;
  return [
    `${plural(words.length, "word")}, ${sources[page.source]}`,
    page.confidence === null ? null : `confidence ${percent(page.confidence)}`,
    page.correction === null ? null : "corrected",
    doubtful === 0 ? null : `${plural(doubtful, "word")} below ${doubtfulConfidence}%`,
    phrase === "" ? null : `${found === 0 ? "no word" : plural(found, "word")} found by “${phrase}”`,
  ]
    .filter((part) => part !== null)
    .join(" · ");
}

/** A person's text, with who and when: it is what search and exports give. */
function correction({ text, by, at }: CorrectedText, found: ReadonlySet<string>): Html {
  const marked =
    found.size === 0 ? text : piecesOf(text).map((it) => (isFound(it, found) ? html`<mark>${it}</mark>` : it));
  return html`<section aria-labelledby="correction"><h2 id="correction">Corrected text</h2>
<p class="muted">Corrected by ${by} on <time datetime="${at.toISOString()}">${time(at)}</time>; this text counts for search and export.</p>
<pre class="text">${marked}</pre></section>
`;
}

/** The words of a text and the white space between them, in turn. */
function piecesOf(text: string): string[] {
  return text.split(/(\s+)/);
}

function isFound(piece: string, found: ReadonlySet<string>): boolean {
  return found.has(bareWord(piece));
}

/** The text line by line; words that are doubtful or found lead to their place in the picture. */
function text(page: ShownPage, lines: MarkedWord[][]): Html {
  if (lines.length === 0) return html`<pre class="text">${page.text}</pre>`;
  return html`<div class="text">${lines.map(
    (words) => html`<p>${words.map((word, i) => html`${i === 0 ? "" : " "}${inText(word)}`)}</p>
`,
  )}</div>`;
}

function inText({ word, id, doubtful, found }: MarkedWord): Html | string {
  if (!doubtful && !found) return word.text;
  const kinds = [doubtful ? "doubtful" : "", found ? "found" : ""].join(" ").trim();
  const why = doubtful ? html` title="Confidence ${word.confidence.toFixed(0)}%"` : "";
  const link = html`<a href="#${id}"${why}>${word.text}</a>`;
  return found ? html`<mark class="${kinds}">${link}</mark>` : html`<span class="${kinds}">${link}</span>`;
}
