/** The kinds of document that Docket reads. */
export type MediaType = "application/pdf" | "image/tiff" | "image/jpeg" | "image/png";

/** Bytes from a file's start that {@link mediaTypeOf} looks at, at most. */
export const sniffedBytes = 1024 + 5;

const imageSignatures: readonly [MediaType, string][] = [
  ["image/png", "\x89PNG\r\n\x1a\n"],
  ["image/jpeg", "\xff\xd8\xff"],
  // BigTIFF (version 43 in place of 42) is left out: Textract does not take it.
  ["image/tiff", "II*\0"],
  ["image/tiff", "MM\0*"],
];

/**
 * What a file is, by its first bytes and never by its name; null for anything that Docket does not read. A PDF's header
 * may be preceded by up to 1,024 bytes of something else (ISO 32000-1, annex H.3, implementation note 13): mail
 * gateways and print spoolers leave such things there.
 */
export function mediaTypeOf(start: Uint8Array): MediaType | null {
  const text = Buffer.from(start.buffer, start.byteOffset, Math.min(start.length, sniffedBytes)).toString("latin1");
  for (const [type, signature] of imageSignatures) if (text.startsWith(signature)) return type;
  return text.includes("%PDF-") ? "application/pdf" : null;
}
