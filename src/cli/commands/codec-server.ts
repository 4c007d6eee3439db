import { readFile } from "node:fs/promises";
import { type Command, InvalidArgumentError } from "commander";
import { DocketError } from "../../contract/failures.ts";
import { isLoopbackAddress } from "../../contract/network.ts";
import { type CommonOptions, defineCommand, runs } from "../command.ts";
import { interruptible, untilAborted } from "../interrupt.ts";
import { parseHost, parsePort } from "../listen-options.ts";
import { colorsFor, note, print, printJson } from "../output.ts";

interface Options extends CommonOptions {
  host: string;
  port: number;
  origin: string[];
  tokenFile?: string;
}

const defaultPort = 8888;
const shortestToken = 16;

/** `docket codec-server`: decrypts payloads for Temporal's Web UI and command line. */
export function defineCodecServer(program: Command): void {
  defineCommand(program, {
    usage: "codec-server",
    summary: "decrypt payloads for Temporal's Web UI, until Ctrl-C",
    description:
      "Serves Temporal's protocol for remote codecs with the keys of DOCKET_PAYLOAD_KEYS, so that the Web UI and " +
      "`temporal workflow show --codec-endpoint` can show what is encrypted. It decrypts for whoever reaches it: it " +
      "listens on loopback, refuses pages of origins that are not named, and asks for a token where one is set " +
      "(DOCKET_CODEC_TOKEN or --token-file), as it must be on any other address.",
    examples: [
      "docket codec-server --origin http://127.0.0.1:8233",
      "docket codec-server --host 10.0.0.5 --token-file /run/secrets/codec-token --origin https://temporal.example.com",
    ],
    json: "one JSON object when it listens: address",
    exits: { 0: "stopped in order", 2: null },
  })
    .option("--port <port>", "port; 0 is any free one", parsePort, defaultPort)
    .option("--host <address>", "IP address to listen on", parseHost, "127.0.0.1")
    .option("--origin <url>", "origin of a Web UI that may ask; again for more", collectOrigins, [])
    .option("--token-file <file>", "file with the token that every request must bring (default: DOCKET_CODEC_TOKEN)")
    .addHelpText("after", "  130  stopped by Ctrl-C, as it is meant to be; 143 by SIGTERM")
    .action(runs((options: Options) => codecServer(options)));
}

async function codecServer(options: Options): Promise<number> {
  const [{ loadPayloadKeys }, { AesGcmCodec }, { startCodecServer }] = await Promise.all([
    import("../../config/payload-keys.ts"),
    import("../../payloads/payload-codec.ts"),
    import("../../payloads/codec-server.ts"),
  ]);
  const keys = loadPayloadKeys(process.env);
  if (keys.length === 0) {
    throw new DocketError("InvalidInput", "There are no keys to decrypt with.", {
      remedy: "Set DOCKET_PAYLOAD_KEYS or DOCKET_PAYLOAD_KEYS_FILE as the workers have it (docs/operations.md).",
    });
  }
  const { host, port, origin: origins } = options;
  const token = await readToken(options.tokenFile);
  if (token === null && !isLoopbackAddress(host)) {
    throw new DocketError("InvalidInput", `On ${host} the server would decrypt for everybody who reaches it.`, {
      remedy:
        "Set a token (DOCKET_CODEC_TOKEN or --token-file), or listen on loopback behind a proxy that knows who asks.",
    });
  }
  const interruption = interruptible();
  try {
    const server = await startCodecServer({ codec: new AesGcmCodec(keys), host, port, origins, token });
    try {
      if (options.json) await printJson({ address: server.address });
      else {
        await print(`The codec server: ${colorsFor(process.stdout).cyan(server.address)}`);
        note(`Keys: ${keys.map(({ id }) => id).join(", ")}. Web UIs that may ask: ${origins.join(", ") || "none"}.`);
      }
      return await untilAborted(new Promise<never>(() => {}), interruption.signal);
    } finally {
      await server.close();
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EADDRINUSE") {
      throw new DocketError("InvalidInput", `Port ${port} is taken.`, { remedy: "Name another --port.", cause: error });
    }
    const code = interruption.exitCode();
    if (code === null) throw error;
    return code;
  } finally {
    interruption.dispose();
  }
}

async function readToken(file: string | undefined): Promise<string | null> {
  const variable = process.env["DOCKET_CODEC_TOKEN"] || null;
  const token = file === undefined ? variable : await readFile(file, "utf8").then((text) => text.trim(), unreadable);
  if (token === null || token.length >= shortestToken) return token;
  throw new DocketError("InvalidInput", `The token is shorter than ${shortestToken} characters.`, {
    remedy: "Make one with `openssl rand -hex 32`.",
  });
}

function unreadable(cause: NodeJS.ErrnoException): never {
  throw new DocketError("InvalidInput", `The token file cannot be read (${cause.code}).`, {
    remedy: "Correct --token-file or the file's permissions.",
    cause,
  });
}

function collectOrigins(value: string, before: string[]): string[] {
  if (URL.canParse(value) && new URL(value).origin === value) return [...before, value];
  throw new InvalidArgumentError("An origin is like https://temporal.example.com, without a path.");
}
