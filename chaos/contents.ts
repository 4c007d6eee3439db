import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { PDFDocument as EncryptablePdf } from "@cantoo/pdf-lib";
import { PDFDocument } from "pdf-lib";
import type { FailureType } from "#docket/contract/failures";

/** A document's content, and what is to become of it. */
export interface Content {
  name: string;
  /** Null: there is no object under its key. */
  bytes: Uint8Array | null;
  extension: string;
  /** Engines that may read it. */
  engines: readonly ("textract" | "local")[];
  /** The failures that it must end with one of; null for a document that can be read. */
  fails: readonly FailureType[] | null;
  /** How often a run may have it at most: reading a scan takes long. */
  most: number;
  /** In a bucket of another region than the workers'. */
  elsewhere: boolean;
}

const samples = fileURLToPath(new URL("../../samples/", import.meta.url));
const sample = (name: string) => readFile(`${samples}${name}`);

const many = Number.POSITIVE_INFINITY;

/** Small documents made of the samples: quick to read, each with another text, and some that cannot be read. */
export async function makeContents(): Promise<Content[]> {
  const agreement = await sample("service-agreement.pdf");
  const settlement = await sample("settlement-mixed.pdf");
  const production = await sample("production-60-pages.pdf");
  const good = (name: string, bytes: Uint8Array, engines: Content["engines"] = ["textract"]): Content => {
    return { name, bytes, extension: "pdf", engines, fails: null, most: many, elsewhere: false };
  };
  const bad = (name: string, bytes: Uint8Array | null, fails: readonly FailureType[]): Content => {
    return { name, bytes, extension: "pdf", engines: ["textract"], fails, most: many, elsewhere: false };
  };
  return [
    good("agreement", agreement),
    good("one-page", await pagesOf(agreement, [0]), ["textract", "local"]),
    good("two-pages", await pagesOf(agreement, [1, 0]), ["textract", "local"]),
    good("three-pages", await pagesOf(agreement, [2, 3, 1])),
    good("six-pages", await pagesOf(agreement, [0, 1, 2, 3, 1, 0])),
    good("settlement", await pagesOf(settlement, [0, 1, 4])),
    good("slip", await pagesOf(production, [7]), ["textract", "local"]),
    good("slips", await pagesOf(production, [21, 40])),
    { ...good("invoice", await sample("invoice.jpg")), extension: "jpg", most: 2 },
    bad("truncated", agreement.subarray(0, 200), ["Corrupt"]),
    bad("text-as-pdf", Buffer.from("This is no PDF.\n"), ["UnsupportedMedia"]),
    bad("encrypted", await encrypted(agreement), ["Encrypted"]),
    bad("huge-page", await hugePage(), ["PageTooLarge"]),
    bad("missing", null, ["ObjectMissing"]),
    {
      ...bad("other-region", await pagesOf(agreement, [3, 2]), ["BucketInOtherRegion", "TextractUnavailableInRegion"]),
      elsewhere: true,
    },
  ];
}

/** The named pages (from 0) of a PDF as a PDF of their own. */
async function pagesOf(bytes: Uint8Array, numbers: number[]): Promise<Uint8Array> {
  const from = await PDFDocument.load(bytes, { updateMetadata: false });
  const to = await PDFDocument.create({ updateMetadata: false });
  for (const page of await to.copyPages(from, numbers)) to.addPage(page);
  return to.save();
}

async function hugePage(): Promise<Uint8Array> {
  const pdf = await PDFDocument.create({ updateMetadata: false });
  pdf.addPage([14_400, 14_400]).drawText("too large for Textract");
  return pdf.save();
}

async function encrypted(bytes: Uint8Array): Promise<Uint8Array> {
  const pdf = await EncryptablePdf.load(bytes, { updateMetadata: false });
  await pdf.encrypt({ userPassword: "chaos", ownerPassword: "order" });
  return pdf.save();
}
