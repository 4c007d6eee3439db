import { extname } from "node:path";
import type { Command } from "commander";
import { type CommonOptions, defineCommand, runs } from "../command.ts";
import { askedFeatures, type DocumentOptions, withDocumentOptions } from "../document-options.ts";
import { isObjectAddress, parsePrefixAddress } from "../run/object-address.ts";

interface Options extends CommonOptions, Pick<DocumentOptions, "engine" | "features" | "query"> {}

/** `docket estimate`: pages and price, before anything is uploaded or paid. */
export function defineEstimate(program: Command): void {
  const command = defineCommand(program, {
    usage: "estimate <documents...>",
    summary: "count the pages of files, folders or S3 prefixes, and price them",
    description:
      "Counts pages exactly, by small reads: nothing is uploaded, started or paid. Prices are those of " +
      "data/textract-prices.json, by the features that are asked for. What is complete already is not looked up; " +
      "`docket submit --dry-run` and `docket batch --dry-run` do.",
    examples: ["docket estimate scans/", "docket estimate --features TABLES,FORMS s3://my-bucket/2024/"],
    json: "one JSON object a document: name, status, pages, costUsd, failures",
    exits: { 0: "every document can be read", 2: "some document would fail its prerequisites" },
  });
  withDocumentOptions(command).action(runs((named: string[], options: Options) => estimate(named, options)));
}

async function estimate(named: string[], options: Options): Promise<number> {
  const [{ findDocuments }, { loadOcrSettings, loadConfig }, { objectsOf, printPlan }, { documentExtensions }] =
    await Promise.all([
      import("../../client/find-documents.ts"),
      import("../../config.ts"),
      import("../run/print-plan.ts"),
      import("../../media/document-names.ts"),
    ]);
  const addresses = named.filter(isObjectAddress).map(parsePrefixAddress);
  const paths = named.filter((name) => !isObjectAddress(name));
  const found = await findDocuments(paths, { cwd: process.cwd(), others: addresses.length > 0 });
  const ports = { engine: options.engine, features: askedFeatures(options), ocrLimits: loadOcrSettings() };
  const json = options.json ?? false;
  if (addresses.length === 0) return printPlan(ports, { ...found, objects: [] }, json);

  const { attach } = await import("../stack/find-services.ts");
  const { createObjectStorage } = await import("../../storage/create-object-storage.ts");
  await attach(options.dataDirectory);
  const storage = createObjectStorage(loadConfig().storage);
  const isDocument = (key: string) => documentExtensions.has(extname(key).toLowerCase());
  const objects = async function* () {
    for (const address of addresses) yield* objectsOf(storage, address, isDocument);
  };
  try {
    return await printPlan({ ...ports, storage }, { ...found, objects: objects() }, json);
  } finally {
    storage.close();
  }
}
