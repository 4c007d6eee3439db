import { type Command, InvalidArgumentError } from "commander";
import type { ServiceAddresses } from "../../client/outage.ts";
import { DocketError } from "../../contract/failures.ts";
import { type CommonOptions, defineCommand, runs } from "../command.ts";
import { exitCodes } from "../exit-codes.ts";
import { colorsFor, print, printJson } from "../output.ts";
import { outageNotes, type ServiceWaitOption, withServiceWait } from "../service-wait.ts";
import { renderCheck } from "./doctor.ts";

interface Options extends CommonOptions, ServiceWaitOption {
  database: boolean;
  temporal: boolean;
  makeBucket?: boolean;
  retentionDays: number;
}

/** `docket setup`: what a database and a Temporal namespace need once. */
export function defineSetup(program: Command): void {
  const command = defineCommand(program, {
    usage: "setup",
    summary: "prepare the configured database and Temporal namespace",
    description:
      "Applies the migrations to DATABASE_URL, makes the Temporal namespace where it does not exist and may be made, and " +
      "registers Docket's search attributes in it. Says what it did; done again it changes nothing. To be run before " +
      "the workers of a new version are started. `docket up` does as much for the parts that it starts.",
    examples: ["docket setup", "docket setup --no-temporal"],
    json: "one JSON object a step: name, changed, detail",
    exits: { 0: "everything is there", 2: null },
  });
  withServiceWait(command, 120)
    .option("--no-database", "leave the database alone")
    .option("--no-temporal", "leave Temporal alone")
    .option(
      "--make-bucket",
      "make DOCKET_BUCKET where AWS_ENDPOINT_URL_S3 leads to a server of one's own and it is missing",
    )
    .option(
      "--retention-days <days>",
      "how long finished workflows stay visible in a namespace that is made",
      parseDays,
      30,
    )
    .action(runs((options: Options) => setup(options)));
}

async function setup(options: Options): Promise<number> {
  const color = colorsFor(process.stdout);
  const tell: Tell = async (name, changed, detail) => {
    if (options.json) await printJson({ name, changed, detail });
    else await print(renderCheck({ name, status: "ok", detail, remedy: null }, color));
  };
  if (options.database) await setUpDatabase(tell, options);
  if (options.temporal) await setUpTemporal(tell, options);
  if (options.makeBucket) await makeMissingBucket(tell, options);
  return exitCodes.complete;
}

type Tell = (name: string, changed: boolean, detail: string) => Promise<void>;

async function waitFor(services: ServiceAddresses, { serviceWait }: Options) {
  const { ServiceWait } = await import("../../client/service-wait.ts");
  return new ServiceWait({ services, limitMilliseconds: serviceWait * 1000, onChange: outageNotes() });
}

async function setUpDatabase(tell: Tell, options: Options): Promise<void> {
  const [{ loadDatabaseSettings }, { migrate }] = await Promise.all([
    import("../../config.ts"),
    import("../../database/migrate.ts"),
  ]);
  if (!process.env["DATABASE_URL"]) {
    throw new DocketError("InvalidInput", "DATABASE_URL is not set.", {
      remedy: "Set it, or leave the database alone: `docket setup --no-database`.",
    });
  }
  const { url } = loadDatabaseSettings();
  const wait = await waitFor({ database: { url } }, options);
  const { applied } = await wait.through(() => migrate(url));
  const changed = applied.length > 0;
  await tell("migrations", changed, changed ? `applied ${applied.join(", ")}` : "up to date");
}

async function setUpTemporal(tell: Tell, options: Options): Promise<void> {
  const [{ loadTemporalConnection }, { connectTemporal }, { ensureNamespace, ensureSearchAttributes }] =
    await Promise.all([
      import("../../config/temporal-connection.ts"),
      import("../../client/connect.ts"),
      import("../../client/set-up-temporal.ts"),
    ]);
  const settings = loadTemporalConnection(process.env);
  const { retentionDays } = options;
  const wait = await waitFor({ temporal: settings }, options);
  const temporal = await wait.through(() => connectTemporal(settings));
  try {
    const made = await wait.through(() => ensureNamespace(temporal, retentionDays));
    const where = `${settings.namespace} at ${settings.address}`;
    await tell("namespace", made, made ? `made ${where}, ${retentionDays} days of retention` : `${where} is there`);
    // A namespace that was just made takes the server some seconds to know everywhere.
    const names = await wait.through(() => ensureSearchAttributes(temporal));
    const registered = names.length > 0;
    await tell("search attributes", registered, registered ? `registered ${names.join(", ")}` : "registered already");
  } finally {
    await temporal.connection.close();
  }
}

async function makeMissingBucket(tell: Tell, options: Options): Promise<void> {
  const [{ loadConfig }, { makeBucket }, { isAwsEndpoint }] = await Promise.all([
    import("../../config.ts"),
    import("../../local/s3-bucket.ts"),
    import("../../textract/quotas.ts"),
  ]);
  const { bucket, region, endpoint } = loadConfig().storage;
  if (endpoint === undefined || isAwsEndpoint(endpoint)) {
    throw new DocketError("InvalidInput", `The bucket ${bucket} is on AWS, where it is not made.`, {
      remedy: "Make it with the encryption, versions and policies that you want, and leave out --make-bucket.",
    });
  }
  const wait = await waitFor({ storage: { bucket, endpoint } }, options);
  const made = await wait.through(() => makeBucket({ endpoint, region, bucket }));
  await tell("bucket", made, made ? `made ${bucket} at ${endpoint}` : `${bucket} at ${endpoint} is there`);
}

function parseDays(value: string): number {
  const days = Number(value);
  if (Number.isInteger(days) && days >= 1 && days <= 3650) return days;
  throw new InvalidArgumentError("It is a whole number of days, 1 to 3650.");
}
