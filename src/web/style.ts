/** The site's mark: a sheet with lines, one of them found. */
export const icon = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect x="5" y="2" width="22" height="28" rx="4" fill="#1f4e5f"/><path d="M10 10h12M10 22h8" stroke="#fff" stroke-width="2.5" stroke-linecap="round"/><path d="M10 16h12" stroke="#f2b84b" stroke-width="3.5" stroke-linecap="round"/></svg>`;

/** The whole style sheet. Every pair of colours has a contrast of 4.5 or more, in light and in dark. */
export const style = `
:root {
  color-scheme: light dark;
  --paper: #faf9f6; --card: #ffffff; --ink: #1c2326; --muted: #5a666b; --line: #e2dfd8; --edge: #8b9499;
  --accent: #1f5a70; --accent-ink: #ffffff; --soft: #eef3f4;
  --good: #1d6b3f; --good-soft: #e4f3e9; --bad: #a12622; --bad-soft: #fbeae8;
  --warn: #84510a; --warn-soft: #fdf1d8; --found: #ffe08a; --found-ink: #3b2b00;
  --sans: system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "Liberation Sans", sans-serif;
  --serif: "Iowan Old Style", "Palatino Linotype", Palatino, Charter, Georgia, "Liberation Serif", serif;
  --mono: ui-monospace, "SF Mono", "Cascadia Code", Menlo, Consolas, "Liberation Mono", monospace;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #14181a; --card: #1c2124; --ink: #e8e6e1; --muted: #a3adb1; --line: #2f373b; --edge: #7d888d;
    --accent: #8cc7da; --accent-ink: #0e1b20; --soft: #222b2f;
    --good: #8fd6a8; --good-soft: #1b3125; --bad: #f4a8a2; --bad-soft: #3a1f1e;
    --warn: #f0c777; --warn-soft: #372a12; --found: #ffd65c; --found-ink: #2b2000;
  }
}
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 1rem/1.55 var(--sans); font-variant-numeric: tabular-nums; }
main { max-width: 76rem; margin: 0 auto; padding: 1.75rem 1.5rem 4rem; }
main:focus { outline: none; }
a { color: var(--accent); text-underline-offset: .18em; text-decoration-thickness: 1px; }
a:hover { text-decoration-thickness: 2px; }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; border-radius: 3px; }
h1 { font: 600 1.9rem/1.2 var(--serif); letter-spacing: -.01em; margin: 0; overflow-wrap: anywhere; }
h2 { font: 600 1.05rem/1.3 var(--sans); margin: 0 0 .75rem; }
code { font: .875em var(--mono); overflow-wrap: anywhere; }
.muted, .under { color: var(--muted); }
.under { display: block; font-size: .85rem; font-weight: 400; }
.number { text-align: right; }
.nowrap { white-space: nowrap; }
.hidden { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
.skip { position: absolute; left: 1rem; top: -5rem; background: var(--accent); color: var(--accent-ink); padding: .5rem 1rem; border-radius: 0 0 6px 6px; z-index: 2; }
.skip:focus { top: 0; }

header.site { display: flex; flex-wrap: wrap; align-items: center; gap: .5rem 1.5rem; padding: .75rem 1.5rem; background: var(--card); border-bottom: 1px solid var(--line); }
.brand { display: flex; align-items: center; gap: .55rem; font: 600 1.25rem/1 var(--serif); color: var(--ink); text-decoration: none; }
.brand-mark { width: 1.5rem; height: 1.5rem; background: url("/icon.svg") center / contain no-repeat; }
header nav a { color: var(--ink); text-decoration: none; padding: .35rem 0; }
header nav a[aria-current], header nav a:hover { box-shadow: inset 0 -2px var(--accent); }
.find { display: flex; gap: .5rem; margin-left: auto; flex: 0 1 26rem; }
.find input { flex: 1; min-width: 0; }
input, select, button { font: inherit; color: inherit; background: var(--card); border: 1px solid var(--edge); border-radius: 6px; padding: .4rem .65rem; min-height: 2.5rem; }
input::placeholder { color: var(--muted); opacity: 1; }
button { background: var(--accent); color: var(--accent-ink); border-color: var(--accent); padding: .4rem 1rem; cursor: pointer; font-weight: 600; }
footer.site { color: var(--muted); font-size: .85rem; text-align: center; padding: 0 1rem 2rem; }

.title { display: flex; flex-wrap: wrap; align-items: center; gap: .35rem 1rem; margin-bottom: 1.25rem; }
.title p { margin: 0; }
.trail { font-size: .9rem; margin-bottom: .6rem; overflow-wrap: anywhere; }
.trail a + a::before { content: "/"; color: var(--muted); display: inline-block; padding: 0 .5rem; }
.tabs { display: flex; flex-wrap: wrap; gap: .15rem 1.4rem; list-style: none; margin: 0 0 1.25rem; padding: 0; border-bottom: 1px solid var(--line); }
.tabs a { display: block; padding: .5rem 0; color: var(--muted); text-decoration: none; }
.tabs a[aria-current] { color: var(--ink); font-weight: 600; box-shadow: inset 0 -2px var(--accent); }
.tabs a:hover { color: var(--ink); }
.count { font-size: .8rem; font-weight: 400; padding-left: .15rem; }
.filters { display: flex; flex-wrap: wrap; gap: .75rem 1rem; align-items: end; margin-bottom: 1.25rem; }
.filters label { display: grid; gap: .25rem; font-size: .85rem; color: var(--muted); flex: 1 1 12rem; }
.filters input, .filters select { color: var(--ink); font-size: 1rem; width: 100%; }
.buttons { display: flex; gap: 1rem; align-items: center; }

.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; padding: .7rem .75rem; border-bottom: 1px solid var(--line); vertical-align: top; }
th.number, td.number { text-align: right; white-space: nowrap; }
thead th { font-size: .8rem; font-weight: 600; color: var(--muted); padding-top: .6rem; padding-bottom: .6rem; }
.documents { background: var(--card); border: 1px solid var(--line); border-radius: 10px; border-collapse: separate; border-spacing: 0; }
.documents tbody tr:last-child > * { border-bottom: 0; }
.documents tbody tr:hover { background: var(--soft); }
tbody th { font-weight: 600; overflow-wrap: anywhere; min-width: 11rem; }
.card table th, .card table td { padding-left: 0; }
.card tbody th { min-width: 0; }
.card tbody tr:last-child > * { border-bottom: 0; }

.badge { display: inline-flex; align-items: center; gap: .4rem; font-size: .85rem; font-weight: 600; padding: .1rem .65rem; border-radius: 99px; background: var(--soft); color: var(--ink); white-space: nowrap; }
.badge::before { content: "…"; font-weight: 700; }
.badge.complete { background: var(--good-soft); color: var(--good); }
.badge.complete::before { content: "✓"; }
.badge.failed { background: var(--bad-soft); color: var(--bad); }
.badge.failed::before { content: "✕"; }
.badge.incomplete { background: var(--warn-soft); color: var(--warn); }
.badge.incomplete::before { content: "!"; }
.badge.cancelled::before { content: "–"; }

.pager { display: flex; justify-content: space-between; gap: 1rem; padding-top: 1.25rem; }
.pager a:last-child { margin-left: auto; }
.empty { text-align: center; padding: 3rem 1rem; }
.empty h2 { font-size: 1.2rem; }
.problem { background: var(--bad-soft); border-left: 4px solid var(--bad); border-radius: 0 10px 10px 0; padding: 1rem 1.25rem; margin-bottom: 1.25rem; overflow-wrap: anywhere; }
.problem h2 { color: var(--bad); margin-bottom: .35rem; }
.problem p { margin: .35rem 0; }
.columns { display: grid; grid-template-columns: minmax(0, 3fr) minmax(0, 2fr); gap: 1.25rem; }
.columns > div { display: grid; gap: 1.25rem; align-content: start; }
.card { background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: 1.25rem 1.35rem; min-width: 0; }
.facts { margin: 0; }
.facts div { display: grid; grid-template-columns: 6.5rem minmax(0, 1fr); gap: .75rem; padding: .3rem 0; }
.facts dt { color: var(--muted); }
.facts dd { margin: 0; overflow-wrap: anywhere; }
.pages { list-style: none; margin: 0; padding: 0; display: grid; grid-template-columns: repeat(auto-fill, minmax(5.6rem, 1fr)); gap: .6rem; }
.pages a { display: grid; place-content: center; text-align: center; gap: .15rem; aspect-ratio: 1 / 1.25; color: var(--ink); text-decoration: none; background: var(--paper); border: 1px solid var(--line); border-radius: 4px 12px 4px 4px; }
.pages a:hover { border-color: var(--accent); box-shadow: 0 1px 6px rgb(0 0 0 / .12); }
.pages b { font: 600 1.3rem/1 var(--serif); }
.pages small { color: var(--muted); }
.pages .low { border-color: var(--warn); background: var(--warn-soft); }
.pages .low small { color: var(--warn); font-weight: 600; }
.pages .low small::before { content: "! "; }

.timeline { list-style: none; margin: 0; padding: 0; }
.timeline li { position: relative; padding: 0 0 1.1rem 1.5rem; }
.timeline li::before { content: ""; position: absolute; left: .1rem; top: .45rem; width: .65rem; height: .65rem; border-radius: 50%; background: var(--card); border: 2px solid var(--accent); }
.timeline li::after { content: ""; position: absolute; left: .5rem; top: 1.25rem; bottom: -.35rem; width: 1px; background: var(--line); }
.timeline li:last-child::after { display: none; }
.timeline .good::before { background: var(--good); border-color: var(--good); }
.timeline .bad::before { background: var(--bad); border-color: var(--bad); border-radius: 2px; }
.timeline p { margin: 0; }
.timeline time { font-size: .85rem; color: var(--muted); }
.timeline .detail { font: .8rem/1.5 var(--mono); color: var(--muted); overflow-wrap: anywhere; }

.results { list-style: none; margin: 0; padding: 0; display: grid; gap: 1.5rem; max-width: 46rem; }
.results h2 { margin: 0 0 .2rem; font-size: 1.1rem; overflow-wrap: anywhere; }
.results p { margin: 0; }
mark { background: var(--found); color: var(--found-ink); border-radius: 3px; padding: 0 .12em; }
mark a { color: inherit; }

.steps { display: flex; gap: .5rem; margin-left: auto; }
.steps a, .steps span { border: 1px solid var(--line); background: var(--card); border-radius: 6px; padding: .35rem .9rem; text-decoration: none; }
.steps a:hover { border-color: var(--accent); }
.steps .off { color: var(--muted); background: none; }
.reader { display: grid; grid-template-columns: minmax(0, 3fr) minmax(0, 2fr); gap: 2rem; margin-top: 1.25rem; align-items: start; }
figure { margin: 0; }
figcaption { margin-top: .6rem; overflow-wrap: anywhere; }
.switch { min-height: 0; width: 1.1rem; height: 1.1rem; vertical-align: -.15rem; margin: 0 .5rem .75rem 0; accent-color: var(--accent); }
.sheet { display: block; width: 100%; height: auto; background: #fff; border: 1px solid var(--line); border-radius: 4px; box-shadow: 0 2px 14px rgb(0 0 0 / .1); }
.sheet .paper { fill: #fff; }
.words rect { fill: #1f5a70; fill-opacity: .05; stroke: #1f5a70; stroke-opacity: .28; stroke-width: 1; vector-effect: non-scaling-stroke; }
.words rect:hover { fill-opacity: .18; stroke-opacity: 1; }
.words .doubtful { fill: #e08a00; fill-opacity: .16; stroke: #b35c00; stroke-opacity: 1; stroke-dasharray: 4 2; }
.words .found { fill: #ffc400; fill-opacity: .4; stroke: #7a5200; stroke-opacity: 1; stroke-width: 1.5; mix-blend-mode: multiply; }
.words rect:target { fill: #d3245a; fill-opacity: .22; stroke: #d3245a; stroke-opacity: 1; stroke-width: 3; }
.switch:not(:checked) ~ .sheet .words rect:not(.found):not(:target) { fill-opacity: 0; stroke-opacity: 0; }
.text { font: .98rem/1.5 var(--serif); margin: 0; white-space: pre-wrap; overflow-wrap: anywhere; }
div.text { white-space: normal; }
.text p { margin: 0 0 .2rem; padding-left: 1.2em; text-indent: -1.2em; }
.text .doubtful a { color: var(--warn); text-decoration: underline dotted 2px; text-underline-offset: .2em; }
mark.doubtful a { color: inherit; }

@media (max-width: 56rem) {
  .columns, .reader { grid-template-columns: minmax(0, 1fr); }
}
@media (max-width: 42rem) {
  main { padding: 1.25rem 1rem 3rem; }
  header.site { padding: .75rem 1rem; }
  .find { flex: 1 1 100%; margin: 0; }
  .wide { display: none; }
  h1 { font-size: 1.5rem; }
  th, td { padding: .65rem .5rem; }
  tbody th { min-width: 8rem; }
  .steps { margin-left: 0; }
  .words rect:not([class], :target) { stroke-opacity: .14; }
}
@media print {
  header.site, footer.site, .steps, .switch, .switch + label { display: none; }
}
`;
