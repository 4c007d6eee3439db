/** What a document can be exported as. */
export const exportFormats = {
  text: { extension: "txt", describes: "plain text, a form feed between two pages" },
  markdown: { extension: "md", describes: "headings and paragraphs as far as geometry tells them" },
  json: { extension: "json", describes: "pages, lines and words with geometry and confidence" },
  textract: { extension: "textract.json", describes: "Textract's own answer, for response parsers" },
  hocr: { extension: "hocr", describes: "hOCR 1.2" },
  alto: { extension: "alto.xml", describes: "ALTO 4.4" },
  pdf: { extension: "searchable.pdf", describes: "the original, with invisible text on its words" },
} as const;

export type ExportFormat = keyof typeof exportFormats;
