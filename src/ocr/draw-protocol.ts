import type { Failure } from "../contract/failures.ts";

/** What a drawing child is told: one page of one file. */
export interface DrawJob {
  file: string;
  /** What messages call the document. */
  name: string;
  /** 1-based. */
  page: number;
  /** Where the PNG is written; made by the child, whole or not at all. */
  png: string;
  /** Pixels of the picture. */
  maxPixels: number;
  /** WebAssembly memory, bytes. */
  engineBytes: number;
}

/** What it answers. */
export type DrawAnswer = { kind: "drawn"; width: number; height: number } | { kind: "failed"; failure: Failure };
