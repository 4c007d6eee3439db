/** Which pages of a document are taken out, and where they go. */
export interface ExtractOptions {
  /** 1-based numbers of the pages that are wanted, in their order. */
  pages: readonly number[];
  /** What messages call the document. */
  name: string;
  /** Bytes that the small document may have; also, four times as many may be read of the large one. */
  maxBytes: number;
  signal: AbortSignal;
  /** Takes the small document piece by piece; the next one comes when this one is done with. */
  write(bytes: Uint8Array): Promise<void>;
}
