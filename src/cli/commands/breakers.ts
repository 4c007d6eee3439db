import type { Command } from "commander";
import { DocketError } from "../../contract/failures.ts";
import { type CommonOptions, defineCommand, runs } from "../command.ts";
import { exitCodes } from "../exit-codes.ts";
import { colorsFor, note, print, printJson } from "../output.ts";
import { renderBreakers } from "../render/breakers-table.ts";

interface Options extends CommonOptions {
  reset?: string;
}

/** `docket breakers`: which circuit breakers have seen failures, and closing one by hand. */
export function defineBreakers(program: Command): void {
  defineCommand(program, {
    usage: "breakers",
    summary: "show circuit breakers that have seen failures, or close one",
    description:
      "While a breaker is open, documents wait without using up attempts; when its time has come, one probe goes " +
      "through. `region/...` guards Textract in a region, `document/...` one document. Works without a running stack, too.",
    examples: ["docket breakers", "docket breakers --reset region/us-east-1"],
    json: "one JSON object a breaker: name, state, failures, lastError, openedAt, nextProbeAt",
    exits: { 0: "done", 2: null },
  })
    .option("--reset <name>", "close this breaker now, after its cause is cured")
    .action(runs((options: Options) => breakers(options)));
}

async function breakers({ json, reset, dataDirectory }: Options): Promise<number> {
  const { noWait, withDatabase } = await import("../stack/find-services.ts");
  const { listBreakers, resetBreaker } = await import("../../database/circuit-breakers.ts");
  return withDatabase(dataDirectory, noWait, async (database) => {
    if (reset !== undefined) {
      if (!(await resetBreaker(database, reset))) {
        throw new DocketError("InvalidInput", `There is no breaker ${reset}.`, {
          remedy: "`docket breakers` lists the names.",
        });
      }
      note(`${reset} is closed.`);
    }
    const states = await listBreakers(database);
    if (json) for (const state of states) await printJson(state);
    else if (states.length === 0) await print("Every breaker is closed, and none has seen a failure since.");
    else await print(renderBreakers(states, colorsFor(process.stdout)));
    return exitCodes.complete;
  });
}
