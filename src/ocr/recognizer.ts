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
   * Recognises one picture, and empties it once it was taken over.
   * @param onProgress called while the engine works, perhaps from inside it: it must return at once
   * @returns Tesseract's TSV output
   * @throws {DocketError} `OutOfMemory`, `OutOfTime`, `RecognizerCrashed`, `InvalidInput`, `StorageUnavailable`
   */
  recognize(picture: Picture, onProgress: () => void): Promise<string>;
  /** The most that processes of its own have held, bytes; 0 when it has none. */
  readonly peakResidentBytes: number;
}
