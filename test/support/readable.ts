/**
 * All texts in an answer of the Temporal server, bytes as the text that they may hold. `JSON.stringify` would not do: the
 * messages have a `toJSON` of their own, which makes base64 of bytes.
 */
export function readable(answer: unknown): string {
  if (typeof answer === "string") return answer;
  if (answer instanceof Uint8Array) return Buffer.from(answer).toString("utf8");
  if (typeof answer !== "object" || answer === null) return String(answer);
  return Object.entries(answer)
    .map(([name, value]) => `${name}: ${readable(value)}`)
    .join("\n");
}
