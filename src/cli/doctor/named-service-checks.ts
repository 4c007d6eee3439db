import { loadTemporalConnection } from "../../config/temporal-connection.ts";
import { loadAccountSettings, loadDatabaseSettings } from "../../config.ts";
import { pendingMigrations } from "../../database/migrate.ts";
import { chooseServices } from "../../local/choose-services.ts";
import { isAwsEndpoint } from "../../textract/quotas.ts";
import { bucketChecks, credentialsCheck } from "./account-checks.ts";
import { type Check, checked, ok, skipped } from "./check.ts";
import { databaseChecks, temporalChecks, textractChecks } from "./service-checks.ts";

/**
 * Where the settings name some services only, those; the others are Docket's own, which `docket run` and `docket up`
 * start.
 */
export async function namedServiceChecks(environment: NodeJS.ProcessEnv): Promise<Check[]> {
  let named: ReturnType<typeof readNamed>;
  try {
    named = readNamed(environment);
  } catch (error) {
    return [await checked("settings", () => Promise.reject(error))];
  }
  const { account, localTextract, usesAws, database, temporal } = named;
  if (account === null && database === null && temporal === null) {
    return [skipped("services", "none are running or configured; `docket up` starts them, then this checks them")];
  }
  const embedded = (name: string, variable: string) => [
    skipped(name, `${variable} is not set: \`docket run\` and \`docket up\` start one of their own`),
  ];
  // Before `docket run` has made its tables a database knows nothing of what is in use.
  const filled = database !== null && (await isFilled(database.url)) ? database : null;
  const groups = await Promise.all([
    database === null ? embedded("PostgreSQL", "DATABASE_URL") : databaseChecks(database, true),
    temporal === null ? embedded("Temporal", "TEMPORAL_ADDRESS") : temporalChecks(temporal),
    ...(account === null
      ? [embedded("S3", "DOCKET_BUCKET")]
      : [
          credentialsCheck(account.storage.region, usesAws).then((check) => [check]),
          bucketChecks(account),
          localTextract ? embedded("Textract", "AWS_ENDPOINT_URL_TEXTRACT") : textractChecks(account, filled),
        ]),
  ]);
  return [ok("settings", "right, as far as they go"), ...groups.flat()];
}

async function isFilled(url: string): Promise<boolean> {
  // One that does not answer is told of by its own check.
  return pendingMigrations(url).then(
    (pending) => pending.length === 0,
    () => false,
  );
}

/** What the settings name, as `docket run` would use it. */
function readNamed(environment: NodeJS.ProcessEnv) {
  const { databaseUrl, temporalAddress, s3, textract, region } = chooseServices(environment);
  return {
    account: environment["DOCKET_BUCKET"] ? loadAccountSettings({ ...environment, AWS_REGION: region }) : null,
    localTextract: textract.kind === "embedded",
    usesAws: s3.kind === "aws" || [s3, textract].some((it) => it.kind === "endpoint" && isAwsEndpoint(it.endpoint)),
    database: databaseUrl === null ? null : loadDatabaseSettings(environment),
    temporal: temporalAddress === null ? null : loadTemporalConnection(environment),
  };
}
