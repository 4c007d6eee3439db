import type { Command } from "commander";
import type { WebServer } from "../../web/server.ts";
import { type CommonOptions, defineCommand, runs } from "../command.ts";
import { interruptible, untilAborted } from "../interrupt.ts";
import { invocation } from "../invocation.ts";
import { colorsFor, note, print, printJson } from "../output.ts";
import { createDisplay } from "../run/create-display.ts";
import { type ServiceWaitOption, withServiceWait } from "../service-wait.ts";
import { useVariables } from "../stack/environment.ts";
import type { StackSession } from "../stack/session.ts";

type Options = CommonOptions & ServiceWaitOption;

/** `docket up`: the stack and its workers, until Ctrl-C. */
export function defineUp(program: Command): void {
  const command = defineCommand(program, {
    usage: "up",
    summary: "run the stack and its workers until Ctrl-C",
    description:
      "Brings up PostgreSQL, Temporal with its Web UI, S3 and Textract on loopback (what is configured is used " +
      "instead), migrates, and runs the workers. Other terminals find the stack by themselves in the data folder; " +
      "programs find it by the variables that `docket env` prints.",
    examples: ["docket up", "docket up --json > stack.json &"],
    json: "one JSON object when everything is up: page, webUi, textractStatus, environment",
    exits: { 0: "done", 2: null },
  });
  withServiceWait(command, 600)
    .addHelpText("after", "  130  stopped by Ctrl-C, as it is meant to be; 143 by SIGTERM")
    .action(runs((options: Options) => up(options)));
}

async function up(options: Options): Promise<number> {
  const interruption = interruptible();
  const { signal } = interruption;
  const display = await createDisplay();
  signal.addEventListener("abort", () => display.stopping("Stopping; Ctrl-C again ends at once."));
  try {
    const { openStackSession } = await import("../stack/session.ts");
    const { dataDirectory } = options;
    const session = await openStackSession({
      command: "up",
      dataDirectory,
      report: display.step,
      say: display.say,
      signal,
      serviceWait: options.serviceWait,
    });
    interruption.onForce(session.kill);
    display.end();
    let page: WebServer | undefined;
    try {
      const { openWebPage } = await import("../stack/web-page.ts");
      // The AWS SDK looks for its credentials in this process's own environment.
      useVariables(session.environment);
      page = await openWebPage(process.env);
      await announce(session, page.address, options);
      return await untilAborted(session.ended, signal);
    } finally {
      await page?.close();
      await session.stop();
    }
  } catch (error) {
    const code = interruption.exitCode();
    if (code === null) throw error;
    display.end();
    note("Stopped. Documents that were under way go on at the next start.");
    return code;
  } finally {
    display.end();
    interruption.dispose();
  }
}

async function announce(session: StackSession, page: string, options: CommonOptions): Promise<void> {
  const { webUi, textractStatus, environment } = session;
  if (options.json) return printJson({ page, webUi, textractStatus, environment });
  const color = colorsFor(process.stdout);
  const docket = invocation();
  await print(`\n${color.bold("Up.")} ${webUi === null ? "" : `Temporal Web UI: ${color.cyan(webUi)}`}`);
  await print(`The documents in your browser: ${color.cyan(page)}`);
  await print(`In another terminal: ${docket} submit FILE, ${docket} watch, ${docket} status, ${docket} text ID`);
  await print(`For other programs: eval "$(${docket} env)" sets ${Object.keys(environment).join(", ")}.`);
}
