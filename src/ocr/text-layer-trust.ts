/** What is known of a page's text layer. */
export interface TextLayerEvidence {
  text: string;
  /** Characters that are not white space. */
  characters: number;
  /** Of those: without any Unicode value (or a private or control one). */
  unmapped: number;
  /** Of those: with a value that the font's own tables contradict. */
  mapErrors: number;
  /** Share of the page (0-1) that its images cover together. */
  imageCoverage: number;
  /** Characters that stand on an image. */
  charactersOnImage: number;
}

export interface TextLayerVerdict {
  trusted: boolean;
  /** Whether the page has enough text to judge; a short page follows its neighbours. */
  decisive: boolean;
  reason:
    | "good"
    | "no-text"
    | "characters-without-meaning"
    | "image-without-its-text"
    | "too-few-words"
    | "not-words"
    | "not-the-language";
}

const longPageWords = 30;
/** Share of common English words below which the text of a scan is a bad reading of it, or of another language. */
const leastOfAScan = 0.1;

/**
 * Whether a page's text layer says what the page shows, or the page must be recognised from its picture. The layer is
 * refused when it is empty, when its fonts do not tell what their characters mean, when it is a stamp or a header on a
 * scan, when it is an earlier program's bad reading of the scan, or when it is a code rather than a language.
 *
 * The thresholds were measured on the documents of `samples/` and `test/ocr-text-layer.test.ts`.
 *
 * @param language Tesseract's codes of the languages to expect; only English has words of its own here
 */
export function judgeTextLayer(evidence: TextLayerEvidence, language: string): TextLayerVerdict {
  const { text, characters, unmapped, mapErrors, imageCoverage, charactersOnImage } = evidence;
  const refused = (reason: TextLayerVerdict["reason"]) => ({ trusted: false, decisive: true, reason });
  if (characters === 0) return { trusted: false, decisive: false, reason: "no-text" };
  if (unmapped > 0.02 * characters || mapErrors > 0.05 * characters) return refused("characters-without-meaning");
  const scan = imageCoverage > 0.5;
  if (scan && charactersOnImage < 200) return refused("image-without-its-text");

  const words = text.split(/\s+/u).filter((word) => /[\p{L}\p{N}]/u.test(word));
  const wordLike = share(words, isWordLike);
  if (words.length >= longPageWords && wordLike < (scan ? 0.75 : 0.6)) return refused("not-words");
  const english = language.split("+").includes("eng");
  const common = english ? commonEnglishShare(words) : null;
  if (common !== null) {
    // Lists of names have few common words but letters in English proportions; ciphers have neither. A bad reading
    // of a scan keeps the proportions and loses the words.
    if (common < 0.03 && englishLetters(text) < 0.7) return refused("not-the-language");
    if (scan && common < leastOfAScan) return refused("not-the-language");
  }
  if (words.length < longPageWords) return { trusted: true, decisive: false, reason: "too-few-words" };
  return { trusted: true, decisive: true, reason: "good" };
}

/** Whether a text that is known to be read well may be English: it has English words, or too few words to tell. */
export function mayBeEnglish(text: string): boolean {
  return (commonEnglishShare(text.split(/\s+/u)) ?? 1) >= leastOfAScan;
}

/** Share (0-1) of the commonest English words among those in Latin letters; null where these are too few to tell. */
function commonEnglishShare(words: readonly string[]): number | null {
  const alphabetic = words.filter((word) => /^\P{L}*\p{Script=Latin}{1,}\P{L}*$/u.test(word));
  if (alphabetic.length < 2 * longPageWords) return null;
  return share(alphabetic, (word) => commonEnglish.has(word.toLowerCase().replace(/[^a-z]/g, "")));
}

/**
 * The verdict on a short page in the company of its neighbours: where a page nearby was refused for what its fonts or
 * its words are, the same program made this one too.
 */
export function followNeighbour(own: TextLayerVerdict, neighbour: TextLayerVerdict | undefined): TextLayerVerdict {
  if (own.decisive || !own.trusted || neighbour === undefined || neighbour.trusted) return own;
  if (neighbour.reason === "image-without-its-text") return own;
  return { trusted: false, decisive: false, reason: neighbour.reason };
}

function share<T>(items: readonly T[], is: (item: T) => boolean): number {
  return items.length === 0 ? 1 : items.filter(is).length / items.length;
}

/** A number, or letters with a vowel among them and no capitals or digits in the middle, as words of any language. */
function isWordLike(word: string): boolean {
  const core = word.replace(/^[^\p{L}\p{N}]+|[^\p{L}\p{N}]+$/gu, "");
  if (/^[\p{N}.,:/%°+−–-]+$/u.test(core)) return true;
  if (core.length > 30) return false;
  return core.split(/[-–—/'’.&]/u).every((part) => {
    if (part === "" || /^\p{N}+$/u.test(part)) return true;
    if (!/^\p{L}\p{M}*(?:[\p{Ll}\p{Lo}\p{M}]*|\p{Lu}*)$/u.test(part)) return false;
    return part.length < 4 || part === part.toUpperCase() || !/^\p{Script=Latin}+$/u.test(part) || vowel.test(part);
  });
}

const vowel = /[aeiouyàáâãäåæèéêëìíîïòóôõöøùúûüýœ]/i;

/** Correlation (-1 to 1) of a text's Latin letters with their frequency in English. */
function englishLetters(text: string): number {
  const counts = new Array<number>(26).fill(0);
  for (const letter of text.toLowerCase()) {
    const index = letter.charCodeAt(0) - 97;
    if (letter.length === 1 && index >= 0 && index < 26) counts[index] = (counts[index] ?? 0) + 1;
  }
  return correlation(counts, englishFrequency);
}

function correlation(a: readonly number[], b: readonly number[]): number {
  const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const [meanA, meanB] = [mean(a), mean(b)];
  let [ab, aa, bb] = [0, 0, 0];
  for (const [i, value] of a.entries()) {
    const [da, db] = [value - meanA, (b[i] ?? 0) - meanB];
    ab += da * db;
    aa += da * da;
    bb += db * db;
  }
  return aa === 0 ? 0 : ab / Math.sqrt(aa * bb);
}

/** Per cent of letters in English prose, a to z. */
const englishFrequency = [
  8.2, 1.5, 2.8, 4.3, 12.7, 2.2, 2.0, 6.1, 7.0, 0.15, 0.8, 4.0, 2.4, 6.7, 7.5, 1.9, 0.1, 6.0, 6.3, 9.1, 2.8, 1.0, 2.4,
  0.15, 2.0, 0.07,
];

const commonEnglish = new Set(
  "the of and to in a is that for it as was with be by on not he his but at are this have from or had an they which you one we were all her she there their has will no if can its who been any more when so may shall".split(
    " ",
  ),
);
