import { writeFileSync } from "node:fs";
import { DocketError } from "../contract/failures.ts";
import { capWebAssemblyMemory } from "../media/memory-cap.ts";
import { openDocument, type PdfDocument } from "../media/pdfium.ts";
import { openDocumentFile } from "./document-file.ts";
import type { DrawAnswer, DrawJob } from "./draw-protocol.ts";
import { greyPng } from "./grey-png.ts";

// The process that draws one page of one document, for people to look at. What a file does to it, it does to it only.

/** A page whose images have more pixels together is not decoded, as in recognition. */
const maxImagePixels = 600_000_000;
/** An ordinary page is drawn at this resolution: sharp on the screens of today, and small to send. */
const dpi = 150;

async function draw(job: DrawJob): Promise<DrawAnswer> {
  const memory = capWebAssemblyMemory(job.engineBytes);
  const file = await openDocumentFile(job.file, job.name, job.maxPixels);
  const document = await openDocument(file.pdf, job.name);
  const size = document.pageSize(job.page);
  if (size === undefined || size.width <= 0 || size.height <= 0) {
    throw new DocketError("Corrupt", `${job.name}: page ${job.page} cannot be found.`);
  }
  const unreadable = file.unreadable.get(job.page);
  if (unreadable !== undefined) throw unreadable;
  const wanted = file.unit === "points" ? dpi / 72 : 1;
  const scale = Math.min(wanted, Math.sqrt(job.maxPixels / (size.width * size.height)));
  const width = Math.max(1, Math.floor(size.width * scale));
  const height = Math.max(1, Math.floor(size.height * scale));
  const grey = document.withPage(job.page, (page) => {
    refuseLargeImages(document, page, job);
    return document.renderGrey(page, width, height);
  });
  // pdfium draws what it has no memory for as white paper, and says that all went well.
  if (memory.exhausted()) throw new DocketError("OutOfMemory", `${job.name}: page ${job.page} takes too much memory.`);
  writeFileSync(job.png, greyPng(width, height, grey), { mode: 0o600 });
  return { kind: "drawn", width, height };
}

function refuseLargeImages(document: PdfDocument, page: number, job: DrawJob): void {
  const pixels = document.images(page).reduce((sum, { width, height }) => sum + width * height, 0);
  if (pixels <= maxImagePixels) return;
  throw new DocketError("LocalLimitExceeded", `${job.name}: the images of page ${job.page} are too large to be drawn.`);
}

process.on("disconnect", () => process.exit(0));
process.once("message", (job: DrawJob) => {
  // Where memory runs out on this machine, the kernel is to end this process and no other.
  if (process.platform === "linux") writeFileSync("/proc/self/oom_score_adj", "1000");
  draw(job)
    .catch((error: unknown): DrawAnswer => {
      const failure = error instanceof DocketError ? error : new DocketError("RecognizerCrashed", String(error));
      return { kind: "failed", failure: failure.toFailure() };
    })
    .then((answer) => process.send?.(answer, () => process.disconnect()))
    .catch(() => process.exit(1));
});
