import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import pc from "picocolors";
import { describe, expect, test } from "vitest";
import { renderCheck } from "#docket/cli/commands/doctor";
import { memoryCheck, nodeCheck, nodeFits } from "#docket/cli/doctor/machine-checks";
import { renderColumns } from "#docket/cli/render/columns";
import { renderFailure, renderResults } from "#docket/cli/render/document-table";
import { exportLines } from "#docket/cli/render/export-lines";
import { joinPages } from "#docket/cli/render/page-text";
import { resultJson } from "#docket/cli/render/result-json";
import { withoutPassword } from "#docket/cli/run/closing-words";
import { isObjectAddress, parseObjectAddress } from "#docket/cli/run/object-address";
import { uuidRange } from "#docket/client/read-documents";
import type { DocumentOutcome } from "../src/client/document-outcome.ts";

const color = pc.createColors(false);
const complete: DocumentOutcome = {
  documentId: "62f844ac-218f-57ea-8f7f-6571ab4f2a84",
  status: "complete",
  pages: 60,
  storedPages: 60,
  characters: 39_659,
  meanConfidence: 95.23,
  engine: "textract",
  textractJobs: 1,
  costUsd: 0.09,
  failure: null,
  milliseconds: 112_600,
};
const failure = { type: "PagesFailed" as const, message: "pages 3-5\nwere \u001b[2Jlost", remedy: "Look at them." };
const failed: DocumentOutcome = {
  ...complete,
  documentId: "aaaa2222-0000-4000-8000-000000000002",
  status: "failed",
  pages: 5,
  storedPages: 2,
  characters: 10,
  meanConfidence: null,
  milliseconds: null,
  costUsd: 0.0075,
  failure,
};

describe("the result of a run", () => {
  test("is a table with a sum in which two files of one content count once", () => {
    const lines = renderResults(
      [
        { file: "in/production.pdf", outcome: complete, reused: false },
        { file: "in/deeper/copy of production.pdf", outcome: complete, reused: true },
        { file: "in/bro\u001b[2Jken.pdf", outcome: failed, reused: false },
      ],
      color,
    ).split("\n");
    expect(lines[0]).toMatch(/^document +status +pages +characters +confidence +engine +seconds +cost$/);
    expect(lines[1]).toMatch(/^production\.pdf +complete +60 +39,659 +95\.2 +textract +112\.6 +\$0\.0900$/);
    expect(lines[2]).toMatch(/^deeper\/copy of production\.pdf +reused +60 /);
    expect(lines[3]).toMatch(/^bro \[2Jken\.pdf +failed +2\/5 +10 +textract +\$0\.0075$/);
    expect(lines[4]).toMatch(/^2 documents +62 +39,669 +\$0\.0975$/);
    expect(lines).toHaveLength(5);
  });

  test("as JSON has exactly the promised fields, in their order", () => {
    expect(JSON.stringify(resultJson("a.pdf", { ...failed, extra: 1 } as DocumentOutcome))).toBe(
      '{"file":"a.pdf","documentId":"aaaa2222-0000-4000-8000-000000000002","status":"failed","pages":5,"storedPages":2,' +
        '"characters":10,"meanConfidence":null,"engine":"textract","textractJobs":1,"costUsd":0.0075,"failure":' +
        '{"type":"PagesFailed","message":"pages 3-5\\nwere \\u001b[2Jlost","remedy":"Look at them."}}',
    );
    expect(resultJson("a.pdf", complete).failure).toBeNull();
  });

  test("tells a failure with its type, its cause on one line, and its remedy", () => {
    expect(renderFailure("a.pdf", failure, color)).toBe(
      "✗ a.pdf: PagesFailed: pages 3-5 were [2Jlost\n    remedy: Look at them.",
    );
  });
});

describe("a table", () => {
  test("has its columns two spaces apart, by what the characters take on a terminal", () => {
    const rows = [
      ["文書.pdf", "1", ""],
      [pc.createColors(true).red("a"), "1,000", "x"],
    ];
    expect(renderColumns([{ title: "name" }, { title: "n", align: "right" }, { title: "" }], rows)).toBe(
      "name          n\n文書.pdf      1\n\u001b[31ma\u001b[39m         1,000  x",
    );
    expect(renderColumns([{ title: "name" }], [])).toBe("name");
  });

  test("of a pile of documents is as any other", () => {
    const rows = Array.from({ length: 200_000 }, (_, i) => [String(i)]);
    const lines = renderColumns([{ title: "n", align: "right" }], rows).split("\n");
    expect(lines).toHaveLength(200_001);
    expect(lines[1]).toBe("     0");
  });
});

describe("text", () => {
  const text = async (...pages: string[]) => {
    async function* given() {
      for (const page of pages) yield { text: page };
    }
    let all = "";
    for await (const piece of joinPages(given())) all += piece;
    return all;
  };

  test("has a form feed between two pages and nowhere else, so that pages can be counted", async () => {
    expect(await text("one", "two\n", "", "fo\fur")).toBe("one\n\ftwo\n\f\ffo\nur\n");
    expect(await text("only")).toBe("only\n");
    expect(await text()).toBe("");
  });
});

describe("what people type", () => {
  test("the beginning of an id is a range of ids; anything else is not", () => {
    expect(uuidRange("62f8")).toEqual({
      gte: "62f80000-0000-0000-0000-000000000000",
      lte: "62f8ffff-ffff-ffff-ffff-ffffffffffff",
    });
    const whole = "62f844ac-218f-57ea-8f7f-6571ab4f2a84";
    expect(uuidRange(whole.toUpperCase())).toEqual({ gte: whole, lte: whole });
    expect(["62f", "invoice", "62f8.pdf", `${whole}0`].map(uuidRange)).toEqual([null, null, null, null]);
  });

  test("an S3 address is a bucket and a key as they stand", () => {
    expect(parseObjectAddress("s3://my-bucket/a b/c%20d#e?.pdf").location).toEqual({
      bucket: "my-bucket",
      key: "a b/c%20d#e?.pdf",
    });
    expect(isObjectAddress("./s3:/file")).toBe(false);
    for (const wrong of ["s3://bucket", "s3://bucket/", "s3://bucket/folder/", "s3:///key", "s3://UPPER_case/key"]) {
      expect(() => parseObjectAddress(wrong), wrong).toThrow(expect.objectContaining({ type: "InvalidInput" }));
    }
  });
});

describe("what is shown and must not hurt", () => {
  test("a database address loses its password", () => {
    expect(withoutPassword("postgresql://docket:secret@127.0.0.1:5432/docket?password=secret")).toBe(
      "postgresql://docket@127.0.0.1:5432/docket",
    );
    expect(withoutPassword("postgresql://secret nonsense")).not.toContain("secret");
  });

  test("variables survive a shell whatever is in them", () => {
    const value = 'it\'s $HOME `date` "x"\n!';
    const script = `${exportLines({ DOCKET_VALUE: value, DOCKET_GONE: "" })}\nprintf %s "$DOCKET_VALUE$DOCKET_GONE"`;
    const environment = { PATH: process.env["PATH"], DOCKET_GONE: "still here" };
    expect(execFileSync("sh", ["-c", script], { env: environment, encoding: "utf8" })).toBe(value);
  });

  test("a check that did not pass stands with its remedy", () => {
    expect(renderCheck(nodeCheck("22.1.0"), color)).toMatch(/Node\.js +22\.1\.0 is none of .+\n +remedy: Install Node/);
    expect(memoryCheck(8e9).status).toBe("ok");
    expect(renderCheck(memoryCheck(1e9), color)).toMatch(/^! memory +1\.0 GB free\n +remedy: .+1\.5 GB/);
  });

  // Odd versions end after half a year, and npm's packages leave them out; 22.0 and 22.1 have no zlib.crc32.
  const runs = ["20.19.0", "22.12.0", "22.23.3", "24.0.0", "24.21.0", "26.12.1"];
  const runsNot = ["18.20.8", "20.18.1", "21.7.0", "22.1.0", "22.11.0", "23.11.0"];

  test("a Node is good where npm would install on it, and no other", () => {
    for (const version of runs) expect(nodeCheck(version).status, version).toBe("ok");
    for (const version of runsNot) expect(nodeCheck(version).status, version).toBe("failed");
  });

  test("whatever Docket depends on by itself runs on each Node that is called good", () => {
    const { packages } = JSON.parse(readFileSync("package-lock.json", "utf8"));
    const { dependencies, devDependencies, optionalDependencies } = packages[""];
    const names = Object.keys({ ...dependencies, ...devDependencies, ...optionalDependencies });
    const ranges = names.map((name) => [name, packages[`node_modules/${name}`].engines?.node] as const);
    for (const [name, range] of ranges.filter(([, range]) => range !== undefined)) {
      for (const version of runs) expect(nodeFits(version, range), `${name} on ${version}: ${range}`).toBe(true);
    }
  });
});
