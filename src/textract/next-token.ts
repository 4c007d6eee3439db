// Quotes inside of a JSON string are escaped, so that this can stand nowhere but before the token itself.
const member = /"NextToken"\s*:\s*("(?:[^"\\]|\\.)*")/;

/** Where it is looked for: at the beginning and the end of an answer; between them are its blocks. Bytes. */
const looked = 4096;

/**
 * Finds the token of the answer that follows without reading the answer, so that it can be asked for at once.
 * @returns null where there is none, or where it was not found: the answer, when it is read, has the last word
 */
export function findNextToken(body: Uint8Array): string | null {
  const text = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  const [, token] =
    member.exec(text.toString("utf8", 0, looked)) ?? member.exec(text.toString("utf8", text.length - looked)) ?? [];
  if (token === undefined) return null;
  try {
    return JSON.parse(token);
  } catch {
    return null;
  }
}
