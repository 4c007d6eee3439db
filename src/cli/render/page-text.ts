/**
 * Texts of pages as one text: each page ends with a line feed, and a form feed stands between two pages and nowhere
 * else, so that the pages can be told apart and counted.
 */
export async function* joinPages(pages: AsyncIterable<{ text: string }>): AsyncGenerator<string> {
  let first = true;
  for await (const page of pages) {
    const text = page.text.replaceAll("\f", "\n");
    yield `${first ? "" : "\f"}${text}${text === "" || text.endsWith("\n") ? "" : "\n"}`;
    first = false;
  }
}
