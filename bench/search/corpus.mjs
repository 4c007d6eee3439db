// Pages of text with the word frequencies of a real language: the words of the samples in their own proportions, and a
// long tail of invented ones, as names and numbers are in a real archive. The same seed makes the same pages.
import { readdirSync, readFileSync } from "node:fs";

const samples = new URL("../../samples/", import.meta.url);

/** Phrases that stand on about one page in a thousand, so that phrase searches have something to find. */
export const plantedPhrases = ["notice of default", "northern harbour gate", "timber across the channel"];

/** @param {number} seed */
export function createPageMaker(seed = 1) {
  const random = createRandom(seed);
  const words = readdirSync(samples)
    .filter((name) => name.endsWith(".txt"))
    .flatMap((name) => readFileSync(new URL(name, samples), "utf8").split(/\s+/).filter(Boolean));
  const syllables = "ba de ki lo mu na per qui ro sa ten ul va win xo yar zeb cor dan el".split(" ");
  const rareWord = (/** @type {number} */ index) => {
    let word = "";
    for (let rest = index + 400; rest > 0; rest = Math.floor(rest / 20)) word += syllables[rest % 20];
    return word;
  };
  return (/** @type {number} */ wordCount) => {
    const page = [];
    while (page.length < wordCount) {
      if (random() < 0.000_01 * plantedPhrases.length) {
        page.push(plantedPhrases[Math.floor(random() * plantedPhrases.length)]);
      } else if (random() < 0.12) {
        // Zipf's law over 200,000 words.
        page.push(rareWord(Math.floor(200_000 ** random())));
      } else {
        page.push(words[Math.floor(random() * words.length)]);
      }
      if (page.length % 11 === 0) page.push("\n");
    }
    return page.join(" ");
  };
}

/** @param {number} seed */
export function createRandom(seed) {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 4294967296;
  };
}
