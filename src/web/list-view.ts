import { address, documentAddress, formatPlace } from "./addresses.ts";
import type { findChoices, findDocuments, ListedDocument, ListFilter } from "./find-documents.ts";
import { count, percent, plural, time, usd } from "./format.ts";
import { type Html, html } from "./html.ts";
import { layout } from "./layout.ts";
import { statusBadge, statuses } from "./status-badge.ts";

type Found = Awaited<ReturnType<typeof findDocuments>>;
type Choices = Awaited<ReturnType<typeof findChoices>>;

/** The list of documents with its filters. */
export function listView(filter: ListFilter, { documents, next }: Found, choices: Choices): Html {
  const total = [...choices.counts.values()].reduce((sum, some) => sum + some, 0);
  return layout(
    { title: "Documents", section: "documents" },
    html`<div class="title"><h1>Documents</h1><p class="muted">${plural(total, "document")}</p></div>
${tabs(filter, choices, total)}
${filters(filter, choices)}
${documents.length === 0 ? nothing(filter) : table(documents)}
${
  next !== null || filter.after !== undefined
    ? html`<nav class="pager" aria-label="Pages of the list">
${filter.after === undefined ? "" : html`<a href="${listAddress({ ...filter, after: undefined })}">Newest</a>`}
${next === null ? "" : html`<a href="${listAddress({ ...filter, after: next })}" rel="next">Older documents</a>`}
</nav>`
    : ""
}`,
  );
}

type Loose = { [Name in keyof ListFilter]: ListFilter[Name] | undefined };

function listAddress(filter: Loose): string {
  const { after, ...others } = filter;
  return address("/", { ...others, after: after && formatPlace(after) });
}

function tabs(filter: ListFilter, { counts }: Choices, total: number): Html {
  const tab = (label: string, number: number, status: ListFilter["status"] | undefined) =>
    html`<li><a href="${listAddress({ ...filter, after: undefined, status })}"${
      filter.status === status ? html` aria-current="true"` : ""
    }>${label} <span class="count">${count(number)}</span></a></li>`;
  const own = Object.entries(statuses) as [NonNullable<ListFilter["status"]>, string][];
  return html`<nav aria-label="Status"><ul class="tabs">${tab("All", total, undefined)}
${own.map(([status, label]) => tab(label, counts.get(status) ?? 0, status))}</ul></nav>`;
}

function filters(filter: ListFilter, { projects, failures }: Choices): Html {
  const options = (values: string[], chosen: string | undefined) =>
    values.map((value) => html`<option${value === chosen ? html` selected` : ""}>${value}</option>`);
  return html`<form class="filters" action="/" method="get" aria-label="Filters">
${filter.status === undefined ? "" : html`<input type="hidden" name="status" value="${filter.status}">`}
<label>File name<input type="search" name="name" value="${filter.name ?? ""}" maxlength="200" autocomplete="off"></label>
<label>Project<select name="project"><option value="">All</option>${options(projects, filter.project)}</select></label>
<label>Failure<select name="failure"><option value="">Any or none</option>${options(failures, filter.failure)}</select></label>
<div class="buttons"><button type="submit">Apply</button><a href="/">Clear</a></div>
</form>`;
}

function table(documents: ListedDocument[]): Html {
  return html`<div class="scroll" tabindex="0" role="region" aria-label="Documents found">
<table class="documents"><thead><tr><th scope="col">Document</th><th scope="col">Status</th>
<th scope="col" class="number">Pages</th><th scope="col" class="number wide">Confidence</th>
<th scope="col" class="number wide">Cost</th><th scope="col" class="wide">Received</th></tr></thead>
<tbody>${documents.map(row)}</tbody></table></div>`;
}

function row(document: ListedDocument): Html {
  return html`<tr><th scope="row"><a href="${documentAddress(document.id)}">${document.metadata?.fileName ?? document.key}</a>
<span class="under">${document.project.slug} · ${document.id.slice(0, 8)}</span></th>
<td>${statusBadge(document.status)}${document.failureType === null ? "" : html`<span class="under">${document.failureType}</span>`}</td>
<td class="number">${pagesOf(document)}</td>
<td class="number wide">${percent(document.meanConfidence) ?? "–"}</td>
<td class="number wide">${usd(Number(document.costUsd))}</td>
<td class="wide nowrap"><time datetime="${document.receivedAt.toISOString()}">${time(document.receivedAt)}</time></td></tr>
`;
}

function pagesOf({ storedPages, expectedPages }: ListedDocument): string {
  if (expectedPages === null) return "–";
  return storedPages === expectedPages ? count(expectedPages) : `${count(storedPages ?? 0)} of ${count(expectedPages)}`;
}

function nothing(filter: ListFilter): Html {
  const filtered = Object.values(filter).some((value) => value !== undefined);
  return filtered
    ? html`<section class="empty"><h2>No document fits these filters</h2><p><a href="/">Show all documents</a></p></section>`
    : html`<section class="empty"><h2>No documents yet</h2><p>Hand one in: <code>npx docket submit FILE</code></p></section>`;
}
