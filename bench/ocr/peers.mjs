import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, symlinkSync } from "node:fs";
import { dirname, join } from "node:path";
import { loadOcrSettings } from "../../dist/config.js";
import { plainTrainedData } from "../../dist/ocr/plain-trained-data.js";
import { trainedDataFiles } from "../../dist/ocr/trained-data.js";

// The programs that Docket is compared with, where they are installed: all with Docket's own trained data, one thread.

const docket = new URL("../../dist/cli/docket.js", import.meta.url).pathname;
const drawPages = new URL("./draw-pages.mjs", import.meta.url).pathname;

/** The program by itself, which is given the pictures that are in the scans. */
export const nativeAlone = "native tesseract, pages drawn already";

/** As the pipeline that Docket replaces did it: all pages at once. */
const pytesseract = `
import sys, pdf2image, pytesseract
pages = pdf2image.convert_from_path(sys.argv[1], dpi=int(sys.argv[2]), grayscale=True)
print("\\f".join(pytesseract.image_to_string(page, config="--oem 1 --psm 3") for page in pages))
`;
const rasterise = `
import sys, pdf2image
print(len(pdf2image.convert_from_path(sys.argv[1], dpi=int(sys.argv[2]))))
`;

/**
 * Everything that can be measured on this machine.
 * @param {string} folder for the peers' own files
 * @param {string} python with pytesseract and pdf2image
 */
export async function findPeers(folder, python) {
  const data = await plainTrainedData(trainedDataFiles(loadOcrSettings({}).language));
  const tesseract = which("tesseract");
  const limits = {
    DOCKET_OCR_MAX_PAGES: "3000",
    DOCKET_OCR_DOCUMENT_SECONDS: "36000",
    DOCKET_OCR_MAX_MEGABYTES: "500",
  };
  const quiet = { ...process.env, OMP_THREAD_LIMIT: "1" };
  const readers = [reader("docket", (file) => [process.execPath, docket, "ocr", file], { ...process.env, ...limits })];
  if (tesseract === undefined) return { readers, rasteriser: undefined, tesseract };
  const tessdata = withConfigurations(folder, data, tesseract);
  const own = { ...quiet, TESSDATA_PREFIX: tessdata };
  readers.push(
    reader("docket, native tesseract", (file) => [process.execPath, docket, "ocr", file], {
      ...process.env,
      ...limits,
      DOCKET_OCR_TESSERACT: tesseract,
    }),
    {
      name: nativeAlone,
      async prepare(file) {
        const pages = join(folder, `${file.replace(/\W/g, "-")}`);
        mkdirSync(pages, { recursive: true });
        execFileSync(process.execPath, [drawPages, file, pages]);
        return pages;
      },
      command(pages, dpi) {
        const count = readdirSync(pages).length;
        const flags = `--dpi ${dpi} --oem 1 --psm 3 -c page_separator=`;
        const one = `tesseract "$0/$i.pgm" - ${flags} 2>/dev/null || exit 1; printf '\\f'`;
        const all = Array.from({ length: count }, (_, i) => i + 1).join(" ");
        return ["/bin/sh", "-c", `for i in ${all}; do ${one}; done`, pages];
      },
      env: own,
    },
  );
  if (succeeds(python, ["-c", "import pdf2image, pytesseract"]) && which("pdftoppm") !== undefined) {
    readers.push(reader("pdf2image + pytesseract", (file, dpi) => [python, "-c", pytesseract, file, String(dpi)], own));
  }
  const ocrmypdf = existsSync(join(dirname(python), "ocrmypdf"))
    ? join(dirname(python), "ocrmypdf")
    : which("ocrmypdf");
  if (ocrmypdf !== undefined) {
    const flags = ["--jobs", "1", "--output-type", "pdf", "--optimize", "0", "--force-ocr", "--quiet", "--deskew"];
    const command = (file) => [ocrmypdf, ...flags, "--sidecar", "-", file, join(folder, "out.pdf")];
    readers.push(reader("OCRmyPDF", command, own));
  }
  return { readers, rasteriser: (file, dpi) => [python, "-c", rasterise, file, String(dpi)], tesseract };
}

function reader(name, command, env) {
  return { name, prepare: async (file) => file, command, env };
}

/** Docket's data beside the installed program's own configurations, which output formats need. */
function withConfigurations(folder, data, tesseract) {
  const listed = execFileSync(tesseract, ["--list-langs"], { encoding: "utf8" });
  const [, installed = ""] = /"(.+?)\/?"/.exec(listed) ?? [];
  const together = join(folder, "tessdata");
  mkdirSync(together);
  for (const from of [data, installed]) {
    for (const name of existsSync(from) ? readdirSync(from) : []) {
      if (!existsSync(join(together, name))) symlinkSync(join(from, name), join(together, name));
    }
  }
  return together;
}

function which(name) {
  const folder = (process.env["PATH"] ?? "").split(":").find((entry) => existsSync(join(entry, name)));
  return folder === undefined ? undefined : join(folder, name);
}

function succeeds(program, parameters) {
  try {
    execFileSync(program, parameters, { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}
