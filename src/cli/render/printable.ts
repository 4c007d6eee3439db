import stringWidth from "string-width";

// Everything that can move a terminal's cursor, change its state or reorder what is shown: C0 but tab and line feed,
// DEL, C1, and the bidirectional overrides. A form feed stays in a document's text: it parts the pages.
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
const unsafeInText = /[\u0000-\u0008\u000b\u000d-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g;
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
const unsafeInLine = / *[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]+ */g;

/** Text of a document, made safe for a terminal: control characters are dropped, lines and pages stay. */
export function printableText(text: string): string {
  return text.replace(unsafeInText, "");
}

/** A name or message from outside on one line, safe for a terminal and for a log: control characters become spaces. */
export function printableLine(text: string): string {
  return text.replace(unsafeInLine, " ").trim();
}

/** Shortens to a width in terminal columns, in the middle, where names differ least. */
export function shorten(text: string, width: number): string {
  if (stringWidth(text) <= width) return text;
  if (width <= 1) return "…".slice(0, width);
  const characters = Array.from(text);
  const tailWidth = Math.floor((width - 1) / 2);
  const tail = takeWidth(characters.toReversed(), tailWidth).toReversed().join("");
  const head = takeWidth(characters, width - 1 - stringWidth(tail)).join("");
  return `${head}…${tail}`;
}

function takeWidth(characters: string[], width: number): string[] {
  const taken: string[] = [];
  let used = 0;
  for (const character of characters) {
    used += stringWidth(character);
    if (used > width) break;
    taken.push(character);
  }
  return taken;
}

/** Pads with spaces on the right (or left) to a width in terminal columns. */
export function padColumns(text: string, width: number, align: "left" | "right" = "left"): string {
  const spaces = " ".repeat(Math.max(0, width - stringWidth(text)));
  return align === "left" ? text + spaces : spaces + text;
}
