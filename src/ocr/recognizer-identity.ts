import { createHash } from "node:crypto";
import { createReadStream, readFileSync } from "node:fs";
import { stat } from "node:fs/promises";
import type { OcrLimits } from "../config.ts";
import { trainedDataFiles } from "./trained-data.ts";

const { version } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8"));

/**
 * What tells apart two recognisers with the same settings: Docket's version, the content of the trained data, size and
 * time of a native program. A file that is not there is left out; who needs it says so.
 */
export async function recognizerIdentity(
  limits: Pick<OcrLimits, "language" | "trainedData" | "tesseract">,
): Promise<string> {
  const hash = createHash("sha256");
  for (const file of dataFiles(limits)) {
    try {
      for await (const chunk of createReadStream(file)) hash.update(chunk);
    } catch {
      // Reading the document tells it.
    }
  }
  const program = limits.tesseract === undefined ? null : await stat(limits.tesseract).catch(() => null);
  if (program !== null) hash.update(`${program.size} ${program.mtimeMs}`);
  return `${version} ${hash.digest("hex").slice(0, 24)}`;
}

function dataFiles({ language, trainedData }: Pick<OcrLimits, "language" | "trainedData">): string[] {
  try {
    return trainedDataFiles(language, trainedData).map(({ file }) => file);
  } catch {
    return [];
  }
}
