import { mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PDFDocument } from "pdf-lib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createTextWriter } from "#docket/cli/run/write-texts";
import { documentIdFromContent } from "#docket/contract/document-id";
import { validateInput } from "#docket/contract/valid-input";
import { docket, useStack } from "./support/stack.ts";

// Names that come from outside: what they must not reach is another project's documents, another path, the terminal,
// or the text of an SQL statement.

const stack = useStack();
const coloured = "\u001b[31mred\u001b[0m\u001b]0;title\u0007";
const turned = "\u202efdp.gpj\u2066";
const sql = "'; DROP TABLE documents; --";
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
const moves = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/;
let folder: string;
let marker = 0;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "docket-hostile-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function pdf(): Promise<Uint8Array> {
  const document = await PDFDocument.create();
  document.addPage().drawText(`Hostile name ${++marker} ${folder}`, { x: 20, y: 400 });
  return document.save();
}

/** Runs `processDocument` to its end: its result, or the failure. */
async function run(workflowId: string, input: Record<string, unknown>) {
  const handle = await stack.client.workflow.start("processDocument", {
    taskQueue: "documents",
    workflowId,
    args: [input],
  });
  return handle.result().then(
    (result) => ({ result, failure: null }),
    (error) => ({ result: null, failure: error.cause as { type: string; message: string } }),
  );
}

describe("a file's name", () => {
  it("reaches neither the terminal nor another path, and the document is read", async () => {
    const names = [
      `${coloured}.pdf`,
      `${turned}.pdf`,
      `${sql}.pdf`,
      "x..%2f..%2fetc%2fpasswd.pdf",
      "back\\..\\slash.pdf",
    ];
    const place = join(folder, "files");
    await mkdir(place);
    for (const name of names) await writeFile(join(place, name), await pdf());

    const person = await docket(["submit", "--wait", place]);
    expect(`${person.stdout}${person.stderr}`).not.toMatch(moves);
    expect(person.code).toBe(0);
    const listed = await docket(["status", "--limit", "20"]);
    expect(listed.stdout).not.toMatch(moves);

    const rows = await stack.database.documentMetadata.findMany({
      where: { fileName: { in: names } },
      include: { document: { include: { project: true } } },
    });
    expect(rows).toHaveLength(names.length);
    for (const { document } of rows) {
      expect(document.status).toBe("complete");
      expect(document.key).toMatch(new RegExp(`^documents/${document.project.slug}/${document.id}/[^/\\\\]+$`));
    }
  });

  it("stays inside the folder for texts", async () => {
    const texts = join(folder, "texts");
    for (const file of ["../../outside.pdf", "/etc/passwd", "..", "a/../../b.pdf"]) {
      const path = await createTextWriter(stack.database, texts, [file])(file, documentIdFromContent("none", file));
      expect(path.startsWith(`${texts}/`)).toBe(true);
    }
    expect((await readdir(texts)).toSorted()).toEqual(["...txt", "b.pdf.txt", "outside.pdf.txt", "passwd.txt"]);
    expect(await readdir(folder)).not.toContain("outside.pdf.txt");
  });
});

describe("a key of S3", () => {
  const long = `long/${"k".repeat(240)}/${"k".repeat(240)}/${"k".repeat(240)}/${"k".repeat(200)}/${"é".repeat(40)}`;
  const longest = long + "x".repeat(1024 - Buffer.byteLength(long));

  it.each([
    ["with escape codes of a terminal", `keys/${coloured}.pdf`],
    ["with marks that turn the direction", `keys/${turned}.pdf`],
    ["with SQL", `keys/${sql}.pdf`],
    ["of 1,024 bytes", longest],
  ])("%s is a key and nothing else", async (name, key) => {
    await stack.storage.put(stack.bucket, key, await pdf(), "application/pdf");
    const { result, failure } = await run(`hostile-key-${name}`, { document: { bucket: stack.bucket, key } });
    expect(failure).toBeNull();
    const row = await stack.database.document.findUniqueOrThrow({ where: { id: result.documentId } });
    expect(row).toMatchObject({ bucket: stack.bucket, key, status: "complete" });
    if (!moves.test(key)) return;
    const shown = await docket(["status", result.documentId]);
    expect(shown.stdout).not.toMatch(moves);
    expect(shown.code).toBe(0);
  });

  it.each([
    ["to a parent", "keys/../../../../etc/passwd"],
    ["absolute", "/etc/passwd"],
  ])("that is a path %s finds no file of the machine", async (name, key) => {
    const { failure } = await run(`hostile-path-${name}`, { document: { bucket: stack.bucket, key } });
    expect(failure?.type).toMatch(/^(ObjectMissing|ObjectForbidden|StorageRefused)$/);
  });

  it.each([
    ["NUL", "a\0b.pdf"],
    ["half a surrogate pair", "a\ud800b.pdf"],
    ["more than 1,024 characters", "k".repeat(1025)],
  ])("with %s is refused by name", (_, key) => {
    expect(() => validateInput({ document: { bucket: "bucket", key } })).toThrow(/document\.key (holds|must)/);
  });
});

describe("a project or a document's id", () => {
  it.each(["../other", "a/b", sql, "UPPER", "", "-x", "p".repeat(64), coloured, "a\nb"])(
    "%j is no project",
    (project) => {
      const document = { bucket: "bucket", key: "a.pdf" };
      expect(() => validateInput({ document, project })).toThrow(/project must be lower-case letters/);
    },
  );

  it.each(["17", "../17", sql, "00000000-0000-0000-0000-00000000000g"])("%j is no id of a document", (documentId) => {
    const document = { bucket: "bucket", key: "a.pdf" };
    expect(() => validateInput({ document, documentId })).toThrow(/documentId must be a UUID/);
  });

  it("of another project is refused, and that document stays as it is", async () => {
    const document = { bucket: stack.bucket, key: "hostile/theirs.pdf" };
    await stack.storage.put(stack.bucket, document.key, await pdf(), "application/pdf");
    const { result } = await run("hostile-theirs", { document, project: "theirs" });
    const { documentId } = result;
    const before = await stack.database.document.findUniqueOrThrow({ where: { id: documentId } });

    const mine = { bucket: stack.bucket, key: "hostile/mine.pdf" };
    await stack.storage.put(stack.bucket, mine.key, await pdf(), "application/pdf");
    for (const force of [false, true]) {
      const input = { document: mine, project: "mine", documentId, force };
      const { failure } = await run(`hostile-mine-${force}`, input);
      expect(failure).toMatchObject({ type: "InvalidInput", message: expect.stringContaining("another project") });
    }
    expect(await stack.database.document.findUniqueOrThrow({ where: { id: documentId } })).toEqual(before);
  });

  it("that is none is refused on the command line without its escape codes", async () => {
    const { code, stderr } = await docket(["status", `--project=${coloured}`]);
    expect(code).toBe(1);
    expect(stderr).not.toMatch(moves);
  });

  it.each([sql, "____"])("%j names no document", async (reference) => {
    const { code, stdout, stderr } = await docket(["text", reference]);
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toContain("No document has the id");
  });
});
