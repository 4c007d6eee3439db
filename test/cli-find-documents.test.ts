import { chmod, mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { findDocuments } from "#docket/client/find-documents";

const pdf = "%PDF-1.7\n%%EOF\n";
let folder: string;
let cwd: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "docket-find-"));
  cwd = folder;
  await mkdir(join(folder, "in/deep/.hidden"), { recursive: true });
  await mkdir(join(folder, "in/.docket/objects"), { recursive: true });
  await mkdir(join(folder, "empty"));
  const files: Record<string, string> = {
    "in/page10.pdf": pdf,
    "in/page9.PDF": pdf,
    "in/deep/scan.TIFF": "II*\0",
    "in/deep/lying.png": "this is no picture",
    "in/deep/noextension": pdf,
    "in/deep/README": "words",
    "in/deep/truth.txt": "words",
    "in/deep/.hidden/secret.pdf": pdf,
    "in/.docket/objects/copy.pdf": pdf,
    "odd.dat": pdf,
    "words.txt": "words",
    "nothing.pdf": "",
  };
  for (const [name, content] of Object.entries(files)) await writeFile(join(folder, name), content);
  await symlink("..", join(folder, "in/deep/loop"));
  await symlink("nowhere.pdf", join(folder, "in/dangling.pdf"));
});

afterAll(() => rm(folder, { recursive: true, force: true }));

describe("documents found on a command line", () => {
  test("a folder gives its documents in the order of their names, without hidden entries, loops or other files", async () => {
    const found = await findDocuments(["in"], { cwd });
    expect(found.files.map((file) => file.file)).toEqual([
      "in/deep/lying.png",
      "in/deep/noextension",
      "in/deep/scan.TIFF",
      "in/page9.PDF",
      "in/page10.pdf",
    ]);
    expect(found.files.every((file) => file.path === join(folder, file.file))).toBe(true);
    expect(found.refused).toEqual([]);
    expect(found.skipped).toBe(3);
  });

  // Elsewhere a file system may take no such name.
  test.runIf(process.platform === "linux")(
    "an entry that cannot be looked at is refused with its reason and not passed over",
    async () => {
      const strange = join(folder, "strange");
      await mkdir(strange);
      // Latin-1, as an old archive leaves it.
      await writeFile(Buffer.from(`${strange}/caf\xe9.pdf`, "latin1"), pdf);
      await writeFile(Buffer.from(`${strange}/caf\xe9.txt`, "latin1"), "words");
      await symlink("self.pdf", join(strange, "self.pdf"));
      await writeFile(join(strange, "plain.pdf"), pdf);
      const found = await findDocuments(["strange"], { cwd });
      expect(found.files.map(({ file }) => file)).toEqual(["strange/plain.pdf"]);
      expect(found.refused.map(({ file, failure }) => [file, failure.type])).toEqual([
        ["strange/caf\uFFFD.pdf", "FileUnreadable"],
        ["strange/self.pdf", "FileUnreadable"],
      ]);
      expect(found.refused[0]?.failure.message).toContain("not UTF-8");
      expect(found.skipped).toBe(1);
    },
  );

  test("a file named twice, or named and inside a named folder, is one file", async () => {
    const found = await findDocuments(["in/page9.PDF", "in", "./in/page9.PDF"], { cwd });
    expect(found.files.filter((file) => file.path.endsWith("page9.PDF"))).toHaveLength(1);
    expect(found.files[0]?.file).toBe("in/page9.PDF");
  });

  test("a named file counts by its first bytes whatever its name, and by its name whatever its bytes", async () => {
    const found = await findDocuments(["odd.dat", "nothing.pdf", "in/deep/lying.png"], { cwd });
    expect(found.files.map((file) => file.file)).toEqual(["odd.dat", "nothing.pdf", "in/deep/lying.png"]);
  });

  test("a named file that is no document is refused with its reason, and the others go on", async () => {
    const found = await findDocuments(["words.txt", "odd.dat"], { cwd });
    expect(found.files).toHaveLength(1);
    expect(found.refused).toHaveLength(1);
    expect(found.refused[0]).toMatchObject({ file: "words.txt", failure: { type: "UnsupportedMedia" } });
    expect(found.refused[0]?.failure.remedy).toMatch(/PDF, TIFF, JPEG or PNG/);
  });

  test.skipIf(process.getuid?.() === 0)("a file that may not be read is refused as such", async () => {
    const path = join(folder, "locked.pdf");
    await writeFile(path, pdf);
    await chmod(path, 0);
    const found = await findDocuments(["locked.pdf"], { cwd });
    expect(found.refused[0]).toMatchObject({ failure: { type: "FileUnreadable" } });
  });

  test("a path that does not exist is refused, and the others go on", async () => {
    const found = await findDocuments(["gone.pdf", "odd.dat"], { cwd });
    expect(found.files.map((file) => file.file)).toEqual(["odd.dat"]);
    expect(found.refused).toMatchObject([
      { file: "gone.pdf", failure: { type: "FileUnreadable", message: "gone.pdf: no such file or folder" } },
    ]);
  });

  test("nothing but paths that do not exist, and a folder without documents, are errors of usage", async () => {
    await expect(findDocuments(["gone.pdf"], { cwd })).rejects.toMatchObject({
      type: "InvalidInput",
      message: expect.stringContaining("gone.pdf: no such file or folder"),
    });
    await expect(findDocuments(["empty"], { cwd })).rejects.toMatchObject({
      type: "InvalidInput",
      remedy: expect.stringContaining("pdf, tif, tiff, jpg, jpeg, png"),
    });
  });
});
