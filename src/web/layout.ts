import { type Html, html } from "./html.ts";

interface Layout {
  /** Of the window, before the product's name. */
  title: string;
  /** What the search field holds. */
  phrase?: string;
  /** Which part of the navigation is open. */
  section?: "documents" | "search";
  /** Further elements of the head. */
  head?: Html;
}

/** A whole page around its main content. */
export function layout({ title, phrase = "", section, head }: Layout, main: Html): Html {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${title} · Docket</title>
<link rel="stylesheet" href="/style.css">
<link rel="icon" href="/icon.svg" type="image/svg+xml">
${head}
</head>
<body>
<a class="skip" href="#main">Skip to content</a>
<header class="site">
<a class="brand" href="/"><span class="brand-mark" aria-hidden="true"></span>Docket</a>
<nav aria-label="Site"><a href="/"${section === "documents" ? html` aria-current="page"` : ""}>Documents</a></nav>
<form class="find" role="search" action="/search" method="get">
<label class="hidden" for="find">Search in all pages</label>
<input id="find" type="search" name="q" value="${phrase}" placeholder="Search in all pages" maxlength="400" autocomplete="off">
<button type="submit">Search</button>
</form>
</header>
<main id="main" tabindex="-1">
${main}
</main>
<footer class="site">Docket, on this machine only. This page changes nothing.</footer>
</body>
</html>
`;
}

/** A page that says what went wrong and what can be done. */
export function problemPage(title: string, message: string, remedy: string): Html {
  return layout(
    { title },
    html`<section class="empty"><h1>${title}</h1><p>${message}</p><p class="muted">${remedy}</p>
<p><a href="/">All documents</a></p></section>`,
  );
}
