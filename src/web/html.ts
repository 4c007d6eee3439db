/** Markup that is safe as it stands; made by {@link html} only. */
export class Html {
  readonly markup: string;

  constructor(markup: string) {
    this.markup = markup;
  }
}

type Value = Html | string | number | null | undefined | false | readonly Value[];

const entities: Record<string, string> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };

// Control characters are no characters of HTML, and the bidirectional overrides make a name look like another one.
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
const unsafe = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g;

/**
 * Markup with values in it. Everything that is not {@link Html} itself is escaped, in elements and in quoted attributes
 * alike; `null`, `undefined` and `false` are nothing.
 */
export function html(parts: TemplateStringsArray, ...values: Value[]): Html {
  return new Html(parts.reduce((markup, part, i) => markup + part + (i < values.length ? render(values[i]) : ""), ""));
}

function render(value: Value): string {
  if (value === null || value === undefined || value === false) return "";
  if (value instanceof Html) return value.markup;
  if (Array.isArray(value)) return value.map(render).join("");
  return escapeText(String(value));
}

function escapeText(text: string): string {
  return text
    .toWellFormed()
    .replace(unsafe, "\ufffd")
    .replace(/[&<>"']/g, (character) => entities[character] ?? "");
}
