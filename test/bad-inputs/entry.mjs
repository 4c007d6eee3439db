import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

// What the groups of bad inputs are made of.

/** Failures that say: this file cannot be read, and no setting will change that. */
const unreadable = ["Corrupt"];

/** Sets of acceptable outcomes, for the engine textract and for the local one. */
export const outcomes = {
  /** Sound enough: read. */
  complete: both("complete"),
  corrupt: both(...unreadable),
  unsupported: both("UnsupportedMedia"),
  encrypted: both("Encrypted"),
  /** Only an owner's password: Textract refuses it, a reader opens it. */
  ownerOnly: { textract: ["Encrypted"], local: ["complete"] },
  /** Damage of a kind that one reader mends and another does not: read as far as it goes, or told. */
  mendable: {
    textract: ["complete", ...unreadable, "TextractJobFailed"],
    local: ["complete", ...unreadable, "PagesFailed"],
  },
  /** A page that no bounded reader can or need read; told as that page's failure. */
  pageFails: { textract: ["TextractJobFailed"], local: ["PagesFailed"] },
  /** Either drawn as far as memory and sense allow, or told as that page's failure. */
  bounded: { textract: ["complete", "TextractJobFailed"], local: ["complete", "PagesFailed"] },
  tooManyPages: { textract: ["TooManyPages"], local: ["LocalLimitExceeded"] },
  tooManyPagesOrCorrupt: { textract: ["TooManyPages", "Corrupt"], local: ["LocalLimitExceeded", "Corrupt"] },
  pageTooLarge: { textract: ["PageTooLarge"], local: ["complete"] },
};

/** The same outcomes for both engines. */
export function both(...names) {
  return { textract: names, local: names };
}

/** @param {string} name of the file @param {() => Buffer | { size: number, parts: { offset: number, bytes: Buffer }[] }} make */
export function entry(name, expected, make, more = {}) {
  return { name, ...expected, make, ...more };
}

/** One of this product's own samples. */
export function sample(name) {
  return readFileSync(fileURLToPath(new URL(`../../samples/${name}`, import.meta.url)));
}
