import { type FileHandle, mkdir, open, readdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Block } from "@aws-sdk/client-textract";
import type { RecognizedPage } from "../../contract/page.ts";
import { analysedBlocks, countAnalysedBlocks } from "./analysed-blocks.ts";
import { writeDurably } from "./durable-file.ts";
import { scanJsonLines } from "./json-lines.ts";
import { createRecentCache } from "./recent-cache.ts";
import type { TextractJob } from "./textract-job.ts";

/** Where a page's text is in the job's file, and how many blocks it makes. */
interface PageEntry {
  page: number;
  offset: number;
  length: number;
  blocks: number;
}

/** Adds pages to a job's result. */
export interface ResultWriter {
  /** Numbers of the pages that are stored, ascending. */
  readonly storedPages: readonly number[];
  append(page: RecognizedPage): Promise<void>;
  /** Puts the result on the disk for good; it can be read from now on. */
  finish(): Promise<void>;
  close(): Promise<void>;
}

/** Results of jobs: the text of each page on disk, blocks made when they are asked for. */
export interface PageResults {
  /** Goes on where an earlier process stopped, after the last page that is whole. */
  openWriter(job: TextractJob): Promise<ResultWriter>;
  /** Blocks from a place on, and how many the job has. */
  readBlocks(job: TextractJob, offset: number, count: number): Promise<{ blocks: Block[]; total: number }>;
  remove(jobId: string): Promise<void>;
}

/** @param isKnown whether there is such a job; results of others, which a crash may leave, are removed */
export async function openPageResults(dataFolder: string, isKnown: (jobId: string) => boolean): Promise<PageResults> {
  const folder = join(dataFolder, "results");
  await mkdir(folder, { recursive: true });
  for (const name of await readdir(folder)) {
    if (!isKnown(name.split(".")[0] ?? "")) await rm(join(folder, name), { force: true });
  }
  const pagesPath = (jobId: string) => join(folder, `${jobId}.pages.jsonl`);
  const indexPath = (jobId: string) => join(folder, `${jobId}.index.json`);
  // Readers walk through a job a few blocks at a time: its index and the page that they are on are soon wanted again.
  const indexes = createRecentCache<PageEntry[]>(32);
  const pages = createRecentCache<Block[]>(8);

  return {
    async openWriter(job) {
      const entries: PageEntry[] = [];
      const path = pagesPath(job.jobId);
      const file = await open(path, "a+", 0o600);
      let size = await scanJsonLines(path, (value, place) => {
        const page = value as RecognizedPage;
        entries.push({ page: page.number, ...place, blocks: countAnalysedBlocks(page, job) });
        return true;
      });
      await file.truncate(size);
      return {
        get storedPages() {
          return entries.map((entry) => entry.page);
        },
        async append(page) {
          const line = Buffer.from(`${JSON.stringify(page)}\n`);
          await file.appendFile(line);
          entries.push({
            page: page.number,
            offset: size,
            length: line.length - 1,
            blocks: countAnalysedBlocks(page, job),
          });
          size += line.length;
        },
        async finish() {
          await file.datasync();
          await writeDurably(indexPath(job.jobId), JSON.stringify(entries));
        },
        close: () => file.close(),
      };
    },

    async readBlocks(job, offset, count) {
      const index = await indexes.get(job.jobId, async () =>
        JSON.parse(await readFile(indexPath(job.jobId), "utf8").catch(emptyIfMissing)),
      );
      const blocks: Block[] = [];
      let total = 0;
      let file: FileHandle | undefined;
      try {
        for (const entry of index) {
          const first = total;
          total += entry.blocks;
          const missing = count - blocks.length;
          if (total <= offset || missing === 0) continue;
          const ofPage = await pages.get(`${job.jobId}/${entry.page}`, async () => {
            file ??= await open(pagesPath(job.jobId), "r");
            return analysedBlocks(await readPage(file, entry), job);
          });
          const from = Math.max(0, offset - first);
          // As many as were counted: a job that an older release has read had fewer kinds of blocks.
          blocks.push(...ofPage.slice(from, Math.min(from + missing, entry.blocks)));
        }
      } finally {
        await file?.close();
      }
      return { blocks, total };
    },

    async remove(jobId) {
      indexes.delete(jobId);
      await rm(pagesPath(jobId), { force: true });
      await rm(indexPath(jobId), { force: true });
    },
  };
}

async function readPage(file: FileHandle, entry: PageEntry): Promise<RecognizedPage> {
  const bytes = Buffer.alloc(entry.length);
  await file.read(bytes, 0, entry.length, entry.offset);
  return JSON.parse(bytes.toString("utf8"));
}

// A job that failed before its first page has no result to read.
function emptyIfMissing(error: NodeJS.ErrnoException): string {
  if (error.code === "ENOENT") return "[]";
  throw error;
}
