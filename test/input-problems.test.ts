import { expect, it } from "vitest";
import { validateInput } from "#docket/contract/valid-input";

const document = { bucket: "bucket", key: "letters/17.pdf" };

// The whole message after "The input of processDocument is not valid: ".
it.each([
  [undefined, "the input is missing"],
  ["text", "the input must be an object"],
  [{}, "document is missing"],
  [{ document: { bucket: 3, key: null } }, "document.bucket must be text; document.key must be text"],
  [
    { document: { bucket: "b", key: "" } },
    "document.bucket must have at least 3 characters; document.key must have at least 1 character",
  ],
  [
    { document: { bucket: "bucket/letters", key: "17.pdf" } },
    "document.bucket must be a bucket's name: letters, digits, hyphens, dots and underscores",
  ],
  [{ document, projet: "x" }, 'the input has no field "projet"'],
  [{ document, project: "Smith v Jones" }, "project must be lower-case letters, digits and hyphens, at most 63"],
  [{ document, documentId: "17" }, "documentId must be a UUID"],
  [{ document, sha256: "17" }, "sha256 must be a SHA-256 in hexadecimal"],
  [{ document, engine: "magic" }, "engine must be one of textract, local, textract-then-local"],
  [{ document, features: ["SMELLS"] }, "features.0 must be one of TABLES, FORMS, SIGNATURES, LAYOUT, QUERIES"],
  [{ document, priority: 6 }, "priority must be at most 5"],
  [{ document, priority: 1.5 }, "priority must be a whole number"],
  [{ document, force: "yes" }, "force must be true or false"],
  [{ document, customFields: { a: 1 } }, "customFields.a must be text"],
  [{ document, fileName: "a\0b" }, "fileName holds a character that cannot be kept"],
])("%j: %s", (input, problem) => {
  expect(() => validateInput(input)).toThrow(`The input of processDocument is not valid: ${problem}.`);
});

it("a document's id is taken as PostgreSQL and the keys of objects have it", () => {
  const documentId = "2C0D1E5A-7A39-4A3C-8E6C-2F1F7D2A9C42";
  expect(validateInput({ document, documentId }).documentId).toBe(documentId.toLowerCase());
});
