import type { Config } from "../config.ts";
import type { Failure } from "../contract/failures.ts";
import type { Database } from "../database/client.ts";
import type { recognizeDocument } from "../ocr/recognize-document.ts";
import type { ObjectStorage } from "../storage/object-storage.ts";
import type { TextractApi } from "../textract/textract-api.ts";
import type { QuotaGovernor } from "./quota-governor.ts";

/** The outside world, as the activities see it. */
export interface ActivityPorts {
  config: Config;
  database: Database;
  storage: ObjectStorage;
  textract: { inRegion(region: string): TextractApi };
  governor: QuotaGovernor;
  textractReachable(region: string): Promise<Failure | null>;
  recognize: typeof recognizeDocument;
}
