// Page count and encryption of a large PDF by ranged reads, and what that costs in memory:
// node test/bad-inputs/large-pdf.mjs [MEGABYTES] [PAGES]; by default 500 megabytes, 2,500 pages, once plain and once
// with a password. The file is sparse and takes no room. Prints JSON; memory in MiB is the growth over the process before
// it looked at the first document. Ends with 2 when that passed 64 MiB.
import { mkdtemp, open, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inspectDocument } from "#docket/media/inspect-document";
import { encryption } from "./pdf-encryption.mjs";

const goalMebibytes = 64;
const [megabytes = "500", pages = "2500"] = process.argv.slice(2);

/** A PDF of pages that each show one image of zeros, which the file system does not store. */
async function writeLargePdf(path, size, count, trailer) {
  const file = await open(path, "w");
  const offsets = [0];
  let at = 0;
  const put = async (text) => {
    const bytes = Buffer.from(text, "latin1");
    await file.write(bytes, 0, bytes.length, at);
    at += bytes.length;
  };
  const object = async (text) => {
    offsets.push(at);
    await put(`${offsets.length - 1} 0 obj\n${text}\nendobj\n`);
  };
  const imageBytes = Math.floor(size / count);
  const kids = Array.from({ length: count }, (_, i) => `${3 + i * 2} 0 R`).join(" ");
  await put("%PDF-1.7\n");
  await object("<</Type/Catalog/Pages 2 0 R>>");
  await object(`<</Type/Pages/Count ${count}/Kids[${kids}]>>`);
  for (let page = 0; page < count; page++) {
    const image = 4 + page * 2;
    await object(`<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Resources<</XObject<</Im ${image} 0 R>>>>>>`);
    offsets.push(at);
    const entries = "/Type/XObject/Subtype/Image/Width 1/Height 1/ColorSpace/DeviceGray/BitsPerComponent 8";
    await put(`${image} 0 obj\n<<${entries}/Length ${imageBytes}>>\nstream\n`);
    at += imageBytes;
    await put("\nendstream\nendobj\n");
  }
  const start = at;
  const rows = offsets.map((offset, i) => `${String(offset).padStart(10, "0")} ${i === 0 ? "65535 f" : "00000 n"} \n`);
  await put(`xref\n0 ${offsets.length}\n${rows.join("")}`);
  await put(`trailer\n<</Size ${offsets.length}/Root 1 0 R${trailer}>>\nstartxref\n${start}\n%%EOF\n`);
  await file.close();
}

async function memory(field) {
  const [, kibibytes] = new RegExp(`${field}:\\s*(\\d+)`).exec(await readFile("/proc/self/status", "latin1")) ?? [];
  return Number(kibibytes) / 1024;
}

async function look(path) {
  const file = await open(path, "r");
  const { size } = await file.stat();
  let [bytes, requests] = [0, 0];
  const source = {
    size,
    async read(offset, length) {
      requests += 1;
      bytes += length;
      return (await file.read(new Uint8Array(length), 0, length, offset)).buffer;
    },
  };
  const start = performance.now();
  const facts = await inspectDocument(source, { timeoutMilliseconds: 60_000 });
  await file.close();
  const milliseconds = Math.round(performance.now() - start);
  const { pages: counted, pagesMeasured, encrypted, ownerRestricted } = facts;
  return { size, pages: counted, pagesMeasured, encrypted, ownerRestricted, bytesRead: bytes, requests, milliseconds };
}

const folder = await mkdtemp(join(tmpdir(), "docket-large-pdf-"));
const found = [];
try {
  const kinds = { plain: "", encrypted: encryption("aes-128", { user: "secret" }).trailer };
  const written = [];
  for (const [kind, trailer] of Object.entries(kinds)) {
    const path = join(folder, `${kind}.pdf`);
    await writeLargePdf(path, Number(megabytes) * 1_000_000, Number(pages), trailer);
    written.push({ kind, path, blocks: (await stat(path)).blocks });
  }
  globalThis.gc?.();
  const before = await memory("VmRSS");
  for (const { kind, path } of written) found.push({ kind, ...(await look(path)) });
  const grown = Math.round(Math.max(0, (await memory("VmHWM")) - before));
  console.log(
    JSON.stringify({ documents: found, grownMebibytes: grown, processMebibytes: Math.round(before + grown) }),
  );
  process.exitCode = grown > goalMebibytes ? 2 : 0;
} finally {
  await rm(folder, { recursive: true, force: true });
}
