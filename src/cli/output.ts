import pc from "picocolors";
import { printableText } from "./render/printable.ts";

/** Colours of one stream; every function returns its text unchanged where colours are off. */
export type Colors = ReturnType<typeof pc.createColors>;

/** Set when the reader of standard output went away (`| head`): nothing more is written, and that is no error. */
export const output = { closed: false };

process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE" && error.code !== "ERR_STREAM_DESTROYED") throw error;
  output.closed = true;
});
process.stderr.on("error", (error: NodeJS.ErrnoException) => {
  // Nobody reads the progress any more; the work itself goes on.
  if (error.code !== "EPIPE" && error.code !== "ERR_STREAM_DESTROYED") throw error;
});

/** Colours for a stream: on a terminal only, and as NO_COLOR, FORCE_COLOR and TERM=dumb say. */
export function colorsFor(stream: NodeJS.WriteStream): Colors {
  const { NO_COLOR, FORCE_COLOR, TERM } = process.env;
  if (NO_COLOR || FORCE_COLOR === "0" || FORCE_COLOR === "false") return pc.createColors(false);
  return pc.createColors(Boolean(FORCE_COLOR) || (stream.isTTY === true && TERM !== "dumb"));
}

/** Whether a stream is a terminal on which lines can be redrawn. */
export function isTerminal(stream: NodeJS.WriteStream): boolean {
  return stream.isTTY === true && process.env["TERM"] !== "dumb";
}

/** Writes to standard output and waits while its reader is slow. */
async function write(text: string): Promise<void> {
  if (output.closed) return;
  if (!process.stdout.write(text)) await drained();
}

/** Waits until everything that was written to standard output has left the process, or its reader is gone. */
export async function flushOutput(): Promise<void> {
  // On Linux and on files writing is synchronous, and this is all there is to do.
  if (output.closed || process.stdout.writableLength === 0) return;
  await new Promise<void>((resolve) => {
    process.stdout.once("close", resolve);
    process.stdout.write("", () => resolve());
  });
}

async function drained(): Promise<void> {
  await new Promise<void>((resolve) => {
    const events = ["drain", "error", "close"];
    const done = () => {
      for (const event of events) process.stdout.off(event, done);
      resolve();
    };
    for (const event of events) process.stdout.once(event, done);
  });
}

/** A line on standard output. */
export function print(line = ""): Promise<void> {
  return write(`${line}\n`);
}

/** One JSON object on a line of its own on standard output. */
export function printJson(value: unknown): Promise<void> {
  return write(`${JSON.stringify(value)}\n`);
}

/** Text of a document on standard output: as it is for a program or a file, made safe for a terminal. */
export function writeDocumentText(text: string): Promise<void> {
  return write(process.stdout.isTTY ? printableText(text) : text);
}

/** A line on standard error, where everything goes that is not a command's result. */
export function note(line = ""): void {
  process.stderr.write(`${line}\n`);
}
