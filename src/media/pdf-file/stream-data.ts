import { inflateSync } from "node:zlib";
import { PdfSyntaxError } from "./parser.ts";
import type { StructureLimits } from "./structure-limits.ts";
import { integer, type PdfDictionary, PdfName, type PdfValue } from "./values.ts";

/**
 * Data of a cross-reference or object stream: plain, or Flate with or without PNG prediction, which is what such streams
 * are written with (ISO 32000-1, 7.4.4).
 * @throws {PdfSyntaxError} for other filters and broken data
 */
export function decodeStream(entries: PdfDictionary, data: Buffer, { streamBytes }: StructureLimits): Buffer {
  const filter = only(entries.get("Filter"));
  if (filter === undefined || filter === null) return data;
  if (!(filter instanceof PdfName) || filter.name !== "FlateDecode") throw new PdfSyntaxError("an unusual filter");
  let plain: Buffer;
  try {
    plain = inflateSync(data, { maxOutputLength: streamBytes });
  } catch (error) {
    throw new PdfSyntaxError(`a stream cannot be inflated: ${(error as Error).message}`);
  }
  const parameters = only(entries.get("DecodeParms"));
  if (!(parameters instanceof Map)) return plain;
  const predictor = integer(parameters.get("Predictor")) ?? 1;
  if (predictor === 1) return plain;
  const bitsPerSample = integer(parameters.get("BitsPerComponent")) ?? 8;
  if (predictor < 10 || bitsPerSample !== 8) throw new PdfSyntaxError("an unusual prediction");
  const pixel = integer(parameters.get("Colors")) ?? 1;
  return undoPrediction(plain, (integer(parameters.get("Columns")) ?? 1) * pixel, pixel);
}

function only(value: PdfValue | undefined): PdfValue | undefined {
  if (!Array.isArray(value)) return value;
  if (value.length > 1) throw new PdfSyntaxError("a chain of filters");
  return value[0];
}

/** PNG's prediction (ISO/IEC 15948, 9): each row begins with its filter's number. */
function undoPrediction(data: Buffer, columns: number, pixel: number): Buffer {
  if (columns < 1) throw new PdfSyntaxError("rows without columns");
  const rows = Math.floor(data.length / (columns + 1));
  const out = Buffer.alloc(rows * columns);
  for (let row = 0; row < rows; row++) {
    const filter = data[row * (columns + 1)] ?? 0;
    const at = row * columns;
    for (let i = 0; i < columns; i++) {
      const left = i < pixel ? 0 : (out[at + i - pixel] as number);
      const above = row === 0 ? 0 : (out[at + i - columns] as number);
      const corner = row === 0 || i < pixel ? 0 : (out[at + i - columns - pixel] as number);
      const value = data[row * (columns + 1) + 1 + i] as number;
      out[at + i] = value + predicted(filter, left, above, corner);
    }
  }
  return out;
}

function predicted(filter: number, left: number, above: number, corner: number): number {
  if (filter === 0) return 0;
  if (filter === 1) return left;
  if (filter === 2) return above;
  if (filter === 3) return (left + above) >> 1;
  if (filter !== 4) throw new PdfSyntaxError("an unknown prediction");
  const estimate = left + above - corner;
  const [a, b, c] = [Math.abs(estimate - left), Math.abs(estimate - above), Math.abs(estimate - corner)];
  return a <= b && a <= c ? left : b <= c ? above : corner;
}
