/** The text of one page as it is printed: it ends with a line feed, and holds no form feed, which parts pages. */
export function pageText(text: string): string {
  const lines = text.replaceAll("\f", "\n");
  return lines === "" || lines.endsWith("\n") ? lines : `${lines}\n`;
}

/** Texts of pages as one text, a form feed between two pages, so that they can be told apart and counted. */
export async function* joinPages(pages: AsyncIterable<{ text: string }>): AsyncGenerator<string> {
  let first = true;
  for await (const { text } of pages) {
    yield (first ? "" : "\f") + pageText(text);
    first = false;
  }
}
