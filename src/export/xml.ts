// Everything that XML 1.0 has no place for: most control characters, lone surrogates, U+FFFE and U+FFFF.
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
const notXml = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ud800-\udfff\ufffe\uffff]/gu;

const entities: Record<string, string> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };

/** Text as the content of an element or of an attribute; what XML cannot hold is left out. */
export function escapeXml(text: string): string {
  return text.replace(notXml, "").replace(/[&<>"']/g, (character) => entities[character] ?? "");
}
