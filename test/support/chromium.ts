import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";
import { type Browser, chromium } from "playwright-core";

/** Chromium, as CHROMIUM names it or as it is on the PATH; undefined where there is none. */
export const chromiumProgram =
  process.env["CHROMIUM"] ?? findProgram(["chromium", "chromium-browser", "google-chrome"]);

function findProgram(names: string[]): string | undefined {
  for (const folder of (process.env["PATH"] ?? "").split(delimiter)) {
    for (const name of names) {
      try {
        accessSync(join(folder, name), constants.X_OK);
        return join(folder, name);
      } catch {
        // Not here.
      }
    }
  }
  return undefined;
}

export function launchChromium(): Promise<Browser> {
  return chromium.launch({
    executablePath: chromiumProgram ?? "",
    // The superuser's Chromium has no sandbox; a user's keeps it.
    args: process.getuid?.() === 0 ? ["--no-sandbox"] : [],
  });
}
