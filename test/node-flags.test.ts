import { pathToFileURL } from "node:url";
import { describe, expect, it } from "vitest";
import { youngBufferFlags } from "#docket/media/young-buffers";
import { workerFlags } from "#docket/worker/worker-environment";
import { runCommand } from "./support/stack.ts";

const module = (name: string) => JSON.stringify(pathToFileURL(`dist/${name}.js`).href);
const run = (flags: readonly string[], program: string) =>
  runCommand(process.execPath, [...flags, "--input-type=module", "-e", program], { PATH: process.env["PATH"] });

// A V8 refuses flags that it does not know: on the command line with code 9, later with a word on stderr.
describe("V8's flags, which are not the same in all versions of Node", () => {
  it("are taken by this one when it starts", async () => {
    expect(await run([...youngBufferFlags, ...workerFlags], "")).toEqual({ code: 0, stdout: "", stderr: "" });
  });

  it.each([
    ["worker/worker-environment", "keepGarbageFew"],
    ["media/young-buffers", "keepYoungBuffersFew"],
    ["export/free-memory", "keepHeapSmall"],
  ])("are taken while it runs: %s", async (file, name) => {
    const program = `import { ${name} } from ${module(file)}; ${name}();`;
    expect(await run([], program)).toEqual({ code: 0, stdout: "", stderr: "" });
  });
});
