import { resolve } from "node:path";
import { type Command, Option } from "commander";
import { type Engine, engines } from "../../contract/process-document.ts";
import { type CommonOptions, defineCommand, runs } from "../command.ts";
import type { Check } from "../doctor/check.ts";
import { exitCodes } from "../exit-codes.ts";
import { type Colors, colorsFor, print, printJson } from "../output.ts";
import { padColumns, printableLine } from "../render/printable.ts";
import { useVariables } from "../stack/environment.ts";

interface Options extends CommonOptions {
  engine: Engine;
}

/** `docket doctor`: what is there, what is missing, what to do about it. */
export function defineDoctor(program: Command): void {
  defineCommand(program, {
    usage: "doctor [document]",
    summary: "check the machine, the settings and the services",
    description:
      "Checks what Docket needs: Node.js, memory, the data folder, the embedded parts, and, of the running stack or " +
      "of the services that the environment names, PostgreSQL and its migrations, Temporal with search attributes and " +
      "workers, AWS credentials, the S3 bucket (reading, writing, listing, region), Textract and its quotas. With a " +
      "FILE or s3://bucket/key also the checks that a document goes through before it may cost anything, all failures " +
      "together. Each problem comes with its remedy. Nothing is paid; a mark of some bytes is written into the bucket, and into the staging bucket.",
    examples: [
      "docket doctor",
      "docket doctor scan.pdf",
      "docket doctor s3://my-bucket/letters/17.pdf",
      "docket doctor --json | jq 'select(.status == \"failed\")'",
    ],
    json: "one JSON object a check: name, status (ok, warning, failed, skipped), detail, remedy",
    exits: { 0: "nothing failed; warnings may be there", 1: "a check failed, or wrong usage", 2: null },
  })
    .addOption(new Option("--engine <engine>", "who is to read the document").choices(engines).default("textract"))
    .action(runs((document: string | undefined, options: Options) => doctor(document, options)));
}

async function doctor(document: string | undefined, options: Options): Promise<number> {
  const [
    { machineChecks },
    { partChecks },
    { serviceChecks },
    { namedServiceChecks },
    { documentChecks },
    { readStackFile },
  ] = await Promise.all([
    import("../doctor/machine-checks.ts"),
    import("../doctor/part-checks.ts"),
    import("../doctor/service-checks.ts"),
    import("../doctor/named-service-checks.ts"),
    import("../doctor/document-checks.ts"),
    import("../stack/stack-file.ts"),
  ]);
  const color = colorsFor(process.stdout);
  const checks: Check[] = [];
  const tell = async (found: Check[]) => {
    checks.push(...found);
    for (const check of found) await (options.json ? printJson(check) : print(renderCheck(check, color)));
  };

  const dataDirectory = resolve(options.dataDirectory);
  await tell(await machineChecks(dataDirectory));
  const stack = await readStackFile(dataDirectory);
  const configured = Boolean(process.env["DATABASE_URL"] && process.env["DOCKET_BUCKET"]);
  if (stack === null) await tell(await partChecks(process.env));
  if (stack === null && !configured) {
    await tell(await namedServiceChecks(process.env));
  } else {
    if (!configured) useVariables(stack?.environment ?? {});
    await tell(await serviceChecks(process.env));
  }
  if (document !== undefined) await tell(await documentChecks(document, options.engine, process.env));

  const problems = checks.filter((check) => check.status === "failed").length;
  if (!options.json)
    await print(problems === 0 ? "\nNothing is wrong." : `\n${problems} of ${checks.length} checks failed.`);
  return problems === 0 ? exitCodes.complete : exitCodes.environment;
}

/** A check as a line, and its remedy below it. */
export function renderCheck(check: Check, color: Colors): string {
  const marks = { ok: color.green("✓"), warning: color.yellow("!"), failed: color.red("✗"), skipped: color.dim("·") };
  const line = `${marks[check.status]} ${padColumns(check.name, 18)} ${printableLine(check.detail)}`;
  return check.remedy === null
    ? line
    : `${line}\n${" ".repeat(21)}${color.dim("remedy:")} ${printableLine(check.remedy)}`;
}
