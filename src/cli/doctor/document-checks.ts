import { open, stat } from "node:fs/promises";
import { basename } from "node:path";
import { checkContent, checkObject } from "../../activities/document-checks.ts";
import { failureOf } from "../../client/failure-of.ts";
import { loadAccountSettings, loadOcrSettings } from "../../config.ts";
import { DocketError, type Failure, failureTable } from "../../contract/failures.ts";
import type { Engine } from "../../contract/process-document.ts";
import { chooseServices } from "../../local/choose-services.ts";
import type { DocumentFacts } from "../../media/inspect-document.ts";
import { createObjectStorage } from "../../storage/create-object-storage.ts";
import { textractReachability } from "../../textract/textract-reachability.ts";
import { formatBytes } from "../render/format.ts";
import { type Check, failed, ok, warning } from "./check.ts";

const title = "document";

/** The checks of one document: a local file, or an object of the services that the environment names. */
export async function documentChecks(
  document: string,
  engine: Engine,
  environment: NodeJS.ProcessEnv,
): Promise<Check[]> {
  if (!document.startsWith("s3://")) return fileChecks(document, engine, environment);
  try {
    return await objectChecks(environment, document, engine);
  } catch (error) {
    return asChecks([failureOf(error)], null, engine);
  }
}

/**
 * The checks that every document goes through before it may cost anything, on a local file: what an engine refuses in
 * the document itself. Read by small ranges, never whole.
 */
async function fileChecks(path: string, engine: Engine, environment: NodeJS.ProcessEnv): Promise<Check[]> {
  try {
    const facts = await stat(path).catch((cause) => {
      throw new DocketError("FileUnreadable", `${path} cannot be read: ${cause.code ?? cause.message}`, { cause });
    });
    if (!facts.isFile()) throw new DocketError("FileUnreadable", `${path} is not a file.`);
    const file = await open(path).catch((cause) => {
      throw new DocketError("FileUnreadable", `${path} cannot be read: ${cause.code}`, { cause });
    });
    try {
      const source = {
        size: facts.size,
        async read(offset: number, length: number) {
          const { bytesRead, buffer } = await file.read(Buffer.alloc(length), 0, length, offset);
          return buffer.subarray(0, bytesRead);
        },
      };
      const checked = await checkContent(source, basename(path), engine, loadOcrSettings(environment));
      return asChecks(checked.failures, checked.facts, engine);
    } finally {
      await file.close();
    }
  } catch (error) {
    return asChecks([failureOf(error)], null, engine);
  }
}

/** The same checks and those of its bucket, region and Textract, on an object in S3. */
async function objectChecks(environment: NodeJS.ProcessEnv, address: string, engine: Engine): Promise<Check[]> {
  const config = loadAccountSettings(environment);
  const storage = createObjectStorage(config.storage);
  try {
    const url = /^s3:\/\/([^/]+)\/(.+)$/.exec(address);
    if (url === null) throw new DocketError("InvalidInput", `${address} is not s3://bucket/key.`);
    const [, bucket = "", key = ""] = url;
    const ports = {
      storage,
      bucket: config.storage.bucket,
      stagingBucket: config.storage.stagingBucket,
      ocrLimits: loadOcrSettings(environment),
      textractReachable: readsByOwnTextract(environment) ? async () => null : textractReachability(config.textract),
    };
    const checked = await checkObject(ports, { document: { bucket, key }, engine });
    return asChecks(checked.failures, checked.facts, engine);
  } catch (error) {
    return asChecks([failureOf(error)], null, engine);
  } finally {
    storage.close();
  }
}

/** Beside an S3 that is not Amazon's, `docket run` starts a Textract of its own where none is named. */
function readsByOwnTextract(environment: NodeJS.ProcessEnv): boolean {
  return !environment["DATABASE_URL"] && chooseServices(environment).textract.kind === "embedded";
}

function asChecks(failures: readonly Failure[], facts: DocumentFacts | null, engine: Engine): Check[] {
  if (failures.length > 0)
    return failures.map(({ type, message, remedy }) => failed(title, `${type}: ${message}`, remedy));
  if (facts === null) return [failed(title, "nothing could be learned of it", "Run again; report it if it stays so.")];
  const { mediaType, pages, sizeBytes, problems } = facts;
  const words = `${mediaType}, ${pages} ${pages === 1 ? "page" : "pages"}, ${formatBytes(sizeBytes)}, not encrypted`;
  return [
    ok(title, `${words}; the engine ${engine} can read it`),
    ...problems.map((problem) => warning(title, problem, failureTable.Corrupt.remedy)),
  ];
}
