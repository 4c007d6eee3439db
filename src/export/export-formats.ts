/** What a document can be exported as. */
export const exportFormats = {
  text: { extension: "txt", describes: "plain text, a form feed between two pages" },
  markdown: { extension: "md", describes: "headings and paragraphs as far as geometry tells them" },
  json: { extension: "json", describes: "pages, lines and words with geometry and confidence" },
  textract: { extension: "textract.json", describes: "Textract's own answer, for response parsers" },
  "tables-csv": { extension: "csv", describes: "a CSV file for each table; into a folder" },
  "forms-csv": { extension: "forms.csv", describes: "keys and values of forms, as CSV" },
  "queries-csv": { extension: "queries.csv", describes: "questions and answers, as CSV" },
  analysis: { extension: "analysis.json", describes: "tables, forms, answers, signatures and layout, as JSON" },
  hocr: { extension: "hocr", describes: "hOCR 1.2" },
  alto: { extension: "alto.xml", describes: "ALTO 4.4" },
  pdf: { extension: "searchable.pdf", describes: "the original, with invisible text on its words" },
} as const;

export type ExportFormat = keyof typeof exportFormats;
