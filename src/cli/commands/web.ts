import type { Command } from "commander";
import { DocketError } from "../../contract/failures.ts";
import { type CommonOptions, defineCommand, runs } from "../command.ts";
import { interruptible, untilAborted } from "../interrupt.ts";
import { parsePort } from "../listen-options.ts";
import { colorsFor, print, printJson } from "../output.ts";

interface Options extends CommonOptions {
  port?: number;
}

/** `docket web`: the documents' page in the browser, alone. */
export function defineWeb(program: Command): void {
  defineCommand(program, {
    usage: "web",
    summary: "serve the page of documents for the browser, until Ctrl-C",
    description:
      "Serves a page on loopback with all documents, what happened to each, every page's picture with the recognised " +
      "words on it, and the search. It is read-only. `docket up` serves the same; this is for services that run " +
      "elsewhere, which the environment names.",
    examples: ["docket web", "docket web --port 8080"],
    json: "one JSON object when it listens: address",
    exits: { 0: "done", 2: null },
  })
    .option("--port <number>", "port on 127.0.0.1 (default: 7080, or a free one when that is taken)", parsePort)
    .addHelpText("after", "  130  stopped by Ctrl-C, as it is meant to be; 143 by SIGTERM")
    .action(runs((options: Options) => web(options)));
}

async function web(options: Options): Promise<number> {
  const interruption = interruptible();
  try {
    const { attach } = await import("../stack/find-services.ts");
    await attach(options.dataDirectory);
    const { openWebPage } = await import("../stack/web-page.ts");
    const page = await openWebPage(process.env, options.port);
    try {
      if (options.json) await printJson({ address: page.address });
      else await print(`The page of documents: ${colorsFor(process.stdout).cyan(page.address)}`);
      return await untilAborted(new Promise<never>(() => {}), interruption.signal);
    } finally {
      await page.close();
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EADDRINUSE") {
      throw new DocketError("InvalidInput", `Port ${options.port} is taken.`, {
        remedy: "Name another port, or leave --port out.",
        cause: error,
      });
    }
    const code = interruption.exitCode();
    if (code === null) throw error;
    return code;
  } finally {
    interruption.dispose();
  }
}
