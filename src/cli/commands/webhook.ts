import { randomUUID } from "node:crypto";
import { readFile } from "node:fs/promises";
import { Argument, type Command } from "commander";
import { DocketError } from "../../contract/failures.ts";
import { type CommonOptions, defineCommand, runs } from "../command.ts";
import { parseProject } from "../document-options.ts";
import { exitCodes } from "../exit-codes.ts";
import { note, print, printJson } from "../output.ts";
import { renderColumns } from "../render/columns.ts";
import { formatTime } from "../render/format.ts";
import { printableLine } from "../render/printable.ts";

interface Options extends CommonOptions {
  project?: string;
  secretFile?: string;
}

type Action = "add" | "list" | "remove" | "test";

/** `docket webhook`: who is told when a project's documents end. */
export function defineWebhook(program: Command): void {
  defineCommand(program, {
    usage: "webhook",
    summary: "tell other programs when a project's documents end",
    description:
      "add URL: every document of the project that ends from now on (complete, incomplete or failed) is posted there, as a " +
      "signed CloudEvent, at least once; again with another secret replaces the secret. list, remove and test ask and " +
      "change what is there; test has a worker post an event now. The secret is `whsec_` and 24 to 64 random bytes in " +
      "base64. docs/webhooks.md tells what is posted and how it is checked.",
    examples: [
      '(umask 077; echo "whsec_$(openssl rand -base64 32)" > secret)',
      "docket webhook add https://example.com/docket --project smith-v-jones --secret-file secret",
      "docket webhook test https://example.com/docket",
    ],
    json: "one JSON object a webhook: id, project, url, createdAt; test: id, status",
    exits: {
      0: "done; test: the receiver has taken the event",
      1: "wrong usage, or the receiver does not answer",
      2: null,
    },
  })
    .addArgument(new Argument("<action>", "what to do").choices(["add", "list", "remove", "test"]))
    .argument("[webhook]", "its address or id")
    .option("--project <slug>", "of which project (add: default)", parseProject)
    .option("--secret-file <path>", "file that holds the secret (add)")
    .action(
      runs((action: Action, target: string | undefined, options: Options) => {
        if (action === "list") return list(options);
        if (target !== undefined) return { add, remove, test }[action](target, options);
        throw new DocketError(
          "InvalidInput",
          `Which webhook is to be ${{ add: "added", remove: "removed", test: "tested" }[action]}?`,
          {
            remedy: "Name its address, or the id that `docket webhook list` shows.",
          },
        );
      }),
    );
}

async function add(address: string, options: Options): Promise<number> {
  const url = parseUrl(address);
  const secret = await readSecret(options.secretFile);
  const { noWait, withDatabase } = await import("../stack/find-services.ts");
  const { addWebhook, mostWebhooks } = await import("../../database/webhooks.ts");
  const project = options.project ?? "default";
  return withDatabase(options.dataDirectory, noWait, async (database) => {
    const added = await addWebhook(database, { id: randomUUID(), project, url, secret });
    if (added === null) {
      throw new DocketError("InvalidInput", `${project} has ${mostWebhooks} webhooks already.`, {
        remedy: "Remove one with `docket webhook remove`.",
      });
    }
    if (options.json) await printJson({ id: added.id, project, url, createdAt: added.createdAt });
    else await print(`${added.id}  ${printableLine(url)}`);
    if (url.startsWith("http:")) note(onlyListed);
    return exitCodes.complete;
  });
}

async function list({ project, json, dataDirectory }: Options): Promise<number> {
  const { noWait, withDatabase } = await import("../stack/find-services.ts");
  const { listWebhooks } = await import("../../database/webhooks.ts");
  return withDatabase(dataDirectory, noWait, async (database) => {
    const webhooks = await listWebhooks(database, project);
    if (json) for (const webhook of webhooks) await printJson(webhook);
    else if (webhooks.length === 0) note("There is no webhook.");
    else {
      const columns = [{ title: "id" }, { title: "project" }, { title: "address" }, { title: "since" }];
      const rows = webhooks.map((it) => [it.id, it.project, printableLine(it.url), formatTime(it.createdAt)]);
      await print(renderColumns(columns, rows));
    }
    return exitCodes.complete;
  });
}

async function remove(reference: string, { project, json, dataDirectory }: Options): Promise<number> {
  const { noWait, withDatabase } = await import("../stack/find-services.ts");
  const { resolveWebhook } = await import("../../client/webhooks.ts");
  return withDatabase(dataDirectory, noWait, async (database) => {
    const webhook = await resolveWebhook(database, reference, project);
    await database.webhook.delete({ where: { id: webhook.id } });
    if (json) await printJson(webhook);
    else note(`Removed. Events of it that were not delivered yet are not sent any more.`);
    return exitCodes.complete;
  });
}

async function test(reference: string, { project, json, dataDirectory }: Options): Promise<number> {
  const { noWait, withServices } = await import("../stack/find-services.ts");
  const { resolveWebhook, testWebhook } = await import("../../client/webhooks.ts");
  return withServices(dataDirectory, noWait, async (services) => {
    const { id } = await resolveWebhook(services.database, reference, project);
    const { status } = await testWebhook(services, id);
    if (json) await printJson({ id, status });
    else await print(`The receiver answers ${status}.`);
    return exitCodes.complete;
  });
}

const onlyListed =
  "Events go to an http:// address only where DOCKET_WEBHOOK_NETWORKS of the workers names its network; " +
  "`docket webhook test` shows it.";

/**
 * The address in its usual form, as `https://example.com/` for `HTTPS://Example.com`.
 * @throws {DocketError} `InvalidInput`
 */
function parseUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : null;
  const problem =
    url === null || !["https:", "http:"].includes(url.protocol)
      ? "is no http:// or https:// address"
      : url.username !== "" || url.password !== ""
        ? "holds a user name or password"
        : url.href.length > 2048
          ? "is longer than 2,048 characters"
          : null;
  if (url !== null && problem === null) return url.href;
  throw new DocketError("InvalidInput", `${text} ${problem}.`, {
    remedy: "Give the receiver's address, as https://example.com/docket; posts are signed and need no password.",
  });
}

async function readSecret(path: string | undefined): Promise<string> {
  const { isWebhookSecret } = await import("../../webhooks/signature.ts");
  const remedy = 'Make one: (umask 077; echo "whsec_$(openssl rand -base64 32)" > secret), then --secret-file secret.';
  if (path === undefined) throw new DocketError("InvalidInput", "A webhook needs a secret.", { remedy });
  const secret = await readFile(path, "utf8").catch((cause: Error) => {
    throw new DocketError("FileUnreadable", `${path} cannot be read: ${cause.message}`, { cause });
  });
  if (isWebhookSecret(secret.trim())) return secret.trim();
  throw new DocketError("InvalidInput", `${path} holds no secret of a webhook.`, { remedy });
}
