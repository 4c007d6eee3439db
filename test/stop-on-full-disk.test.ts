import { spawnSync } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";

// A file system of a few MB that only one command sees; as another user than root that takes a user namespace.
const own = process.getuid?.() === 0 ? ["--mount"] : ["--user", "--map-root-user", "--mount"];
const mountIt = 'mount -t tmpfs -o size=8m tmpfs "$0"';
const mountable = spawnSync("unshare", [...own, "sh", "-c", mountIt, tmpdir()]).status === 0;
if (!mountable) console.warn("test/stop-on-full-disk is skipped: no small file system can be mounted here");

const program = `
  import { existsSync, statfsSync, writeFileSync } from "node:fs";
  import { join } from "node:path";
  import { startS3 } from "#docket/local/s3";
  const directory = join(process.argv[1], "s3");
  const server = await startS3({ directory });
  const { pid } = server.part;
  const { bavail, bsize } = statfsSync(directory);
  try {
    writeFileSync(join(process.argv[1], "filler"), new Uint8Array(bavail * bsize));
  } catch (error) {
    // The server has written meanwhile.
    if (error.code !== "ENOSPC") throw error;
  }
  await server.stop();
  console.log(JSON.stringify({ runs: existsSync("/proc/" + pid), locked: existsSync(join(directory, "lock")) }));
`;

describe.skipIf(!mountable)("on a full disk", () => {
  it("an embedded server is stopped all the same, and leaves no lock", async () => {
    const folder = await mkdtemp(join(tmpdir(), "docket-stop-"));
    onTestFinished(() => rm(folder, { recursive: true, force: true }));
    const node = [process.execPath, "--input-type=module", "-e", program];
    const { stdout, stderr, status } = spawnSync(
      "unshare",
      [...own, "sh", "-c", `${mountIt} && exec "$@" "$0"`, folder, ...node],
      { encoding: "utf8" },
    );
    expect(status, stderr).toBe(0);
    expect(JSON.parse(stdout)).toEqual({ runs: false, locked: false });
  });
});
