/** What is read. */
export interface Picture {
  /** The picture as a file of a kind that every build of Tesseract reads; see `PictureFile`. */
  file: Uint8Array;
  /** Resolution; undefined: Tesseract estimates it. */
  dpi: number | undefined;
}

/** One of the builds of Tesseract that pages are read with. */
export interface Recognizer {
  /**
   * Recognises one picture, and empties it once it was taken over. What it took of this process' memory is free again
   * afterwards.
   * @param onProgress called while the engine works, perhaps from inside it: it must return at once
   * @returns Tesseract's TSV output
   * @throws {DocketError} `OutOfMemory`, `OutOfTime`, `RecognizerCrashed`, `InvalidInput`, `StorageUnavailable`
   */
  recognize(picture: Picture, onProgress: () => void): Promise<string>;
  /** Ends processes of its own; settled when they are gone. */
  close(): Promise<void>;
  /** Memory of pdfium's that may stay while it reads, bytes. */
  readonly spareBytes: number;
  /** What a process of its own holds while it has nothing to read, bytes; 0 when it has none. */
  readonly restingBytes: number;
  /** The most that a process of its own has held, bytes; 0 when it has none. */
  readonly peakResidentBytes: number;
}
