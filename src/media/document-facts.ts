import type { MediaType } from "./media-type.ts";

/** What a document says about itself, learnt without reading it whole. */
export interface DocumentFacts {
  mediaType: MediaType;
  sizeBytes: number;
  /** Pages of a PDF, images of a TIFF; 0 where the document is encrypted and so does not tell. */
  pages: number;
  /** A password is needed to open it (or the encryption is of an unknown scheme). */
  encrypted: boolean;
  /** It opens without a password but is encrypted with an owner's: Textract refuses such a PDF as well. */
  ownerRestricted: boolean;
  /** An XFA form, whose pages only an XFA processor can draw. */
  xfa: boolean;
  /** Unit of `widest` and `tallest`: PDF points (1/72 inch, `UserUnit` left aside) or pixels. */
  unit: "points" | "pixels";
  /** Width of the widest and height of the tallest page, as displayed; 0 where unknown. */
  widest: number;
  tallest: number;
  /** Pages whose size was looked at, from the first on; fewer than `pages` where looking would have cost too much. */
  pagesMeasured: number;
  /** Defects that do not keep the document from being read as far as it goes, in words. */
  problems: string[];
}

/** The facts that only a PDF can deviate from. */
export const plainImage = { encrypted: false, ownerRestricted: false, xfa: false, unit: "pixels" } as const;
