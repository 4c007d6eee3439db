import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { gunzipSync } from "node:zlib";
import { DocketError } from "../contract/failures.ts";
import { freeEngines } from "./free-engines.ts";
import type { Picture, Recognizer } from "./recognizer.ts";
import type { TrainedData } from "./trained-data.ts";

/** The part of the Tesseract core's interface that is used here. */
interface TesseractApi {
  Init(dataPath: string, languages: string, engine: number): number;
  SetVariable(name: string, value: string): boolean;
  SetImageFile(exifOrientation: number, angle: number): number;
  Recognize(monitor: null): number;
  GetTSVText(page: number): string;
  End(): void;
}

interface TesseractCore {
  TessBaseAPI: new () => TesseractApi;
  FS: {
    writeFile(path: string, data: Uint8Array, options?: { canOwn: boolean }): void;
    unlink(path: string): void;
  };
}

type CreateCore = (options: Record<string, unknown>) => Promise<TesseractCore>;

/** Only the LSTM engine: the older one reads worse and needs other data. */
const engineLstmOnly = "1";
/** Automatic segmentation. The core's own default, 6, takes every page for one block: columns come out interleaved. */
const segmentationAuto = "3";

// The fastest build that this machine's V8 can run comes first.
const builds = ["tesseract-core-simd-lstm", "tesseract-core-lstm"];

/** Tesseract, compiled once. Every page gets a fresh instance, because an instance's memory never shrinks. */
export class WasmTesseract implements Recognizer {
  /** Its own memory takes all that there is. */
  readonly spareBytes = 0;
  readonly restingBytes = 0;
  readonly peakResidentBytes = 0;
  readonly #create: CreateCore;
  readonly #module: WebAssembly.Module;
  readonly #languages: string;
  readonly #data: Map<string, Uint8Array>;

  constructor(data: readonly TrainedData[]) {
    this.#languages = data.map(({ language }) => language).join("+");
    this.#data = new Map(
      data.map(({ language, file }) => {
        const bytes = readFileSync(file);
        return [language, file.endsWith(".gz") ? gunzipSync(bytes) : bytes];
      }),
    );
    const require = createRequire(import.meta.url);
    for (const build of builds) {
      const bytes = readFileSync(require.resolve(`tesseract.js-core/${build}.wasm`));
      if (!WebAssembly.validate(bytes)) continue;
      this.#module = new WebAssembly.Module(bytes);
      this.#create = require(`tesseract.js-core/${build}.js`) as CreateCore;
      return;
    }
    throw new DocketError("Internal", "Tesseract's WebAssembly build cannot be run by this version of Node.");
  }

  async recognize(picture: Picture, onProgress: () => void): Promise<string> {
    const tsv = await this.#read(picture, onProgress);
    await freeEngines();
    return tsv;
  }

  async close(): Promise<void> {}

  async #read(picture: Picture, onProgress: () => void): Promise<string> {
    const module = this.#module;
    const core = await this.#create({
      instantiateWasm(imports: WebAssembly.Imports, ready: (instance: WebAssembly.Instance) => void) {
        const instance = new WebAssembly.Instance(module, imports);
        ready(instance);
        return instance.exports;
      },
      print() {},
      printErr() {},
      TesseractProgress: onProgress,
    });
    // `canOwn` hands the arrays over instead of copying them.
    for (const [language, data] of this.#data) {
      core.FS.writeFile(`/${language}.traineddata`, data, { canOwn: true });
    }
    const api = new core.TessBaseAPI();
    if (api.Init("/", this.#languages, Number(engineLstmOnly)) !== 0) {
      throw new DocketError("Internal", `Tesseract cannot load its data for "${this.#languages}".`);
    }
    for (const language of this.#data.keys()) core.FS.unlink(`/${language}.traineddata`);
    api.SetVariable("tessedit_pageseg_mode", segmentationAuto);
    if (picture.dpi !== undefined) api.SetVariable("user_defined_dpi", String(picture.dpi));
    core.FS.writeFile("/input", picture.file, { canOwn: true });
    if (api.SetImageFile(1, 0) !== 0) throw new DocketError("Internal", "Tesseract cannot read the picture of a page.");
    core.FS.unlink("/input");
    // The engine has its own copy now.
    picture.file = new Uint8Array(0);
    if (api.Recognize(null) !== 0) throw new DocketError("RecognizerCrashed", "Tesseract gave up on the page.");
    const tsv = api.GetTSVText(0);
    api.End();
    return tsv;
  }
}
