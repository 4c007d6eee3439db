import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { DocketError } from "../contract/failures.ts";

// The integer form of the most accurate models where the package has it; all packages have the standard form.
const variants = ["4.0.0_best_int", "4.0.0"];

/** Tesseract's trained data for one language, as it is or compressed by gzip (`.gz`). */
export interface TrainedData {
  language: string;
  file: string;
}

/**
 * The files with Tesseract's trained data: from the folder when one is named, otherwise from the npm packages
 * `@tesseract.js-data/<code>` that are installed.
 *
 * @param languages Tesseract's codes, joined by `+`
 * @throws {DocketError} `InvalidInput` for a language without data, with the command that brings it
 */
export function trainedDataFiles(languages: string, folder?: string): TrainedData[] {
  const find = folder === undefined ? inPackages : (language: string) => inFolder(folder, language);
  return languages.split("+").map((language) => ({ language, file: find(language) }));
}

function inFolder(folder: string, language: string): string {
  const plain = join(folder, `${language}.traineddata`);
  const found = [plain, `${plain}.gz`].find((file) => existsSync(file));
  if (found !== undefined) return found;
  throw new DocketError("InvalidInput", `There is no ${language}.traineddata in ${folder}.`, {
    remedy: "Put the file there, or correct DOCKET_OCR_LANGUAGES or DOCKET_OCR_DATA.",
  });
}

function inPackages(language: string): string {
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
    remedy: `Run npm install ${name}, or correct DOCKET_OCR_LANGUAGES.`,
  });
}
