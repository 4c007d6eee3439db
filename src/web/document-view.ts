import type { DocumentRecord, readHistory } from "../client/read-documents.ts";
import { address, documentAddress, pageAddress } from "./addresses.ts";
import { eventTone, eventWords } from "./event-words.ts";
import { bytes, count, duration, percent, plural, time, usd } from "./format.ts";
import { type Html, html } from "./html.ts";
import { layout } from "./layout.ts";
import type { PageSummary } from "./read-page.ts";
import { statusBadge } from "./status-badge.ts";

type History = Awaited<ReturnType<typeof readHistory>>;

/** Pages that are linked at once. */
export const linkedPages = 200;
/** Mean confidence below which a page deserves a look. */
const lowConfidence = 80;

export interface DocumentFacts {
  record: DocumentRecord;
  history: History;
  /** Stored pages from `from` on, at most {@link linkedPages}. */
  pages: PageSummary[];
  /** 1-based number of the first page that is linked. */
  from: number;
  mediaType: string | null;
  sizeBytes: number | null;
  source: string | null;
}

/** Everything about one document: what it is, what is wrong, its pages, what happened. */
export function documentView(facts: DocumentFacts): Html {
  const { record, history } = facts;
  const name = record.fileName ?? record.location;
  return layout(
    { title: name },
    html`<nav class="trail" aria-label="Where you are"><a href="/">Documents</a>
<a href="${address("/", { project: record.project })}">${record.project}</a></nav>
<div class="title"><h1>${name}</h1>${statusBadge(record.status)}</div>
${failure(record)}
<div class="columns">
<div>${pagesSection(facts)}${timeline(history)}</div>
<div>${factsSection(facts)}${jobsSection(history)}</div>
</div>`,
  );
}

function failure({ failure: problem, documentId }: DocumentRecord): Html | null {
  if (problem === null) return null;
  const missing = problem.missingPages ?? [];
  return html`<section class="problem" aria-labelledby="problem"><h2 id="problem">${problem.type}</h2>
<p>${problem.message}</p><p><strong>What to do:</strong> ${problem.remedy}</p>
${
  missing.length === 0
    ? ""
    : html`<p>Missing: ${missing.slice(0, 100).map(
        ({ page, warning }, i) => html`${i === 0 ? "" : ", "}<a
href="${pageAddress(documentId, page)}">page ${page}</a>${warning === null ? "" : ` (${warning})`}`,
      )}${missing.length > 100 ? ` and ${missing.length - 100} more` : ""}</p>`
}</section>`;
}

function factsSection({ record, mediaType, sizeBytes, source }: DocumentFacts): Html {
  const took =
    record.finishedAt === null || record.startedAt === null
      ? null
      : duration(record.finishedAt.getTime() - record.startedAt.getTime());
  const facts: [string, Html | string | null][] = [
    ["Project", record.project],
    ["Engine", [record.engine, ...record.features].join(", ")],
    ["Pages", record.pages === null ? null : `${count(record.storedPages ?? 0)} of ${count(record.pages)} stored`],
    ["Characters", record.characters === null ? null : count(record.characters)],
    ["Confidence", percent(record.meanConfidence)],
    ["Cost", `${usd(record.costUsd)} for ${plural(record.textractJobs, "Textract job")}`],
    ["Received", time(record.receivedAt)],
    ["Took", took],
    ["Kind", mediaType === null ? null : `${mediaType}${sizeBytes === null ? "" : `, ${bytes(sizeBytes)}`}`],
    ["Object", html`<code>${record.location}</code>`],
    ["Source", source === record.location ? null : source],
    ["Id", html`<code>${record.documentId}</code>`],
  ];
  return html`<section class="card" aria-labelledby="facts"><h2 id="facts">About</h2><dl class="facts">${facts.map(
    ([label, value]) => (value === null ? null : html`<div><dt>${label}</dt><dd>${value}</dd></div>`),
  )}</dl></section>`;
}

function pagesSection({ record, pages, from }: DocumentFacts): Html {
  const known = record.pages ?? 0;
  if (pages.length === 0) {
    return html`<section class="card" aria-labelledby="pages"><h2 id="pages">Pages</h2>
<p class="muted">No text is stored yet.</p></section>`;
  }
  const later = from + linkedPages;
  return html`<section class="card" aria-labelledby="pages"><h2 id="pages">Pages</h2>
<ul class="pages">${pages.map(
    ({ number, confidence }) => html`<li><a class="${
      confidence !== null && confidence < lowConfidence ? "low" : "fine"
    }" href="${pageAddress(record.documentId, number)}"><b><span class="hidden">Page </span>${number}</b>
<small>${percent(confidence) ?? "no words"}</small></a></li>`,
  )}</ul>
${
  known > linkedPages
    ? html`<nav class="pager" aria-label="More pages">
${from > 1 ? html`<a href="${address(documentAddress(record.documentId), { from: Math.max(1, from - linkedPages) })}">Earlier pages</a>` : ""}
${later <= known ? html`<a href="${address(documentAddress(record.documentId), { from: later })}">Pages from ${count(later)}</a>` : ""}
</nav>`
    : ""
}</section>`;
}

function jobsSection({ jobs }: History): Html | null {
  if (jobs.length === 0) return null;
  return html`<section class="card" aria-labelledby="jobs"><h2 id="jobs">Textract jobs</h2>
<div class="scroll" tabindex="0" role="region" aria-label="Textract jobs of this document"><table>
<thead><tr><th scope="col">Attempt</th><th scope="col">State</th><th scope="col">Region</th>
<th scope="col" class="number">Pages</th><th scope="col" class="number">Cost</th></tr></thead><tbody>${jobs.map(
    (
      job,
    ) => html`<tr><th scope="row">${job.attempt}${job.features.length === 0 ? "" : ` (${job.features.join(", ")})`}</th>
<td>${job.state.replaceAll("_", " ")}${job.statusMessage === null ? "" : html`<span class="under">${job.statusMessage}</span>`}</td>
<td>${job.region}</td><td class="number">${job.pages === null ? "–" : count(job.pages)}</td>
<td class="number">${job.costUsd === null ? "–" : usd(job.costUsd)}</td></tr>`,
  )}</tbody></table></div></section>`;
}

function timeline({ events }: History): Html {
  let previous: Date | null = null;
  const entries = events.map(({ kind, detail, at }) => {
    const since = previous === null ? null : duration(at.getTime() - previous.getTime());
    previous = at;
    return html`<li class="${eventTone(kind)}"><p><strong>${eventWords(kind)}</strong>
${since === null ? "" : html`<span class="muted">after ${since}</span>`}</p>
<time datetime="${at.toISOString()}">${time(at)}</time>${detailOf(detail)}</li>`;
  });
  return html`<section class="card" aria-labelledby="timeline"><h2 id="timeline">Timeline</h2>
${entries.length === 0 ? html`<p class="muted">Nothing has happened yet.</p>` : html`<ol class="timeline">${entries}</ol>`}</section>`;
}

/** An event's detail as one line of names and values; nested values as JSON, at most 300 characters. */
function detailOf(detail: unknown): Html | null {
  if (typeof detail !== "object" || detail === null) return null;
  const facts = Object.entries(detail).filter(([, value]) => value !== null && value !== "");
  if (facts.length === 0) return null;
  const line = facts
    .map(([name, value]) => `${name}: ${typeof value === "string" ? value : JSON.stringify(value)}`)
    .join(" · ");
  return html`<p class="detail">${line.length > 300 ? `${line.slice(0, 299)}…` : line}</p>`;
}
