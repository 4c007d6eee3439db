/** A name, decoded: without its slash, `#xx` resolved. */
export class PdfName {
  readonly name: string;

  constructor(name: string) {
    this.name = name;
  }
}

/** A number as it was written, so that it is written back the same. */
export class PdfNumber {
  readonly raw: string;

  constructor(raw: string | number) {
    this.raw = String(raw);
  }

  get value(): number {
    return Number(this.raw);
  }
}

/** A string as it was written, brackets included. */
export class PdfString {
  readonly raw: string;

  constructor(raw: string) {
    this.raw = raw;
  }
}

/** A reference to an indirect object. */
export class PdfReference {
  readonly number: number;
  readonly generation: number;

  constructor(number: number, generation = 0) {
    this.number = number;
    this.generation = generation;
  }
}

export type PdfDictionary = Map<string, PdfValue>;
export type PdfValue = null | boolean | PdfName | PdfNumber | PdfString | PdfReference | PdfValue[] | PdfDictionary;

/** A value in PDF's syntax; text is Latin-1, one character a byte (ISO 32000-1, 7.3). */
export function serialize(value: PdfValue): string {
  if (value === null || typeof value === "boolean") return String(value);
  if (value instanceof PdfName) return `/${encodeName(value.name)}`;
  if (value instanceof PdfNumber || value instanceof PdfString) return value.raw;
  if (value instanceof PdfReference) return `${value.number} ${value.generation} R`;
  if (Array.isArray(value)) return `[${value.map(serialize).join(" ")}]`;
  return `<<${[...value].map(([key, entry]) => `/${encodeName(key)} ${serialize(entry)}`).join("\n")}>>`;
}

function encodeName(name: string): string {
  return name.replace(/[^!-~]|[#/()<>[\]{}%]/g, (character) => {
    return `#${character.charCodeAt(0).toString(16).padStart(2, "0")}`;
  });
}

/** An entry of a dictionary that is a whole number; undefined for anything else. */
export function integer(value: PdfValue | undefined): number | undefined {
  return value instanceof PdfNumber && Number.isSafeInteger(value.value) ? value.value : undefined;
}

/** A dictionary of these entries. */
export function dictionaryOf(entries: Record<string, PdfValue>): PdfDictionary {
  return new Map(Object.entries(entries));
}
