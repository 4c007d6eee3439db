import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { DocketError } from "../contract/failures.ts";

// The integer form of the most accurate models where the package has it; all packages have the standard form.
const variants = ["4.0.0_best_int", "4.0.0"];

/**
 * The files with Tesseract's trained data (gzip), from the npm packages `@tesseract.js-data/<code>`.
 * @param languages Tesseract's codes, joined by `+`
 * @throws {DocketError} `InvalidInput` for a language whose package is not installed
 */
export function trainedDataFiles(languages: string): { language: string; file: string }[] {
  return languages.split("+").map((language) => ({ language, file: trainedDataFile(language) }));
}

function trainedDataFile(language: string): string {
  const name = `@tesseract.js-data/${language}`;
  let folder = "";
  try {
    folder = dirname(createRequire(import.meta.url).resolve(`${name}/package.json`));
  } catch {
    // Told below.
  }
  for (const variant of variants) {
    const file = join(folder, variant, `${language}.traineddata.gz`);
    if (folder !== "" && existsSync(file)) return file;
  }
  throw new DocketError("InvalidInput", `There is no trained data for the language "${language}".`, {
    remedy: `Run npm install ${name}, or correct DOCKET_OCR_LANGUAGE.`,
  });
}
