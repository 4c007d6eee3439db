import pc from "picocolors";
import stringWidth from "string-width";
import { describe, expect, test } from "vitest";
import { formatBytes, formatDuration, formatUsd } from "#docket/cli/render/format";
import { printableLine, printableText, shorten } from "#docket/cli/render/printable";
import { renderProgress, renderTotal } from "#docket/cli/render/progress-lines";
import { shortNames } from "#docket/cli/render/short-names";
import { PageRate } from "#docket/cli/run/page-rate";
import { createPlainDisplay } from "#docket/cli/run/plain-display";
import type { FileProgress, ProgressView } from "../src/cli/run/progress-view.ts";

const color = pc.createColors(false);

function file(name: string, fields: Partial<FileProgress> = {}): FileProgress {
  return { name, state: "found", stage: null, waitingFor: null, pages: null, pagesDone: 0, ...fields };
}

function view(files: FileProgress[], fields: Partial<ProgressView> = {}): ProgressView {
  return { files, pagesPerMinute: null, millisecondsLeft: null, trouble: null, ...fields };
}

describe("figures for people", () => {
  test("bytes, durations and dollars keep two to three digits that matter", () => {
    expect([0, 1, 999, 1234, 84_000_000, 999_999_999].map(formatBytes)).toEqual([
      "0 bytes",
      "1 byte",
      "999 bytes",
      "1.2 kB",
      "84 MB",
      "1.0 GB",
    ]);
    expect([0, 430, 9_960, 59_400, 125_000, 3_600_000, 7_380_000].map(formatDuration)).toEqual([
      "0.0 s",
      "0.4 s",
      "10 s",
      "59 s",
      "2 min 05 s",
      "1 h 00 min",
      "2 h 03 min",
    ]);
    expect([0, 0.0015, 1.5, 1234.5].map(formatUsd)).toEqual(["$0.00", "$0.0015", "$1.5000", "$1234.50"]);
  });
});

describe("text from outside on a terminal", () => {
  test("escape sequences lose their control characters, lines and pages stay", () => {
    const hostile = "a\u001b]0;title\u0007b\u009b31mc\td\n\fe\r\u202ef\u0000";
    expect(printableText(hostile)).toBe("a]0;titleb31mc\td\n\fef");
    expect(printableLine("bad\nname\u001b[2J.pdf")).toBe("bad name [2J.pdf");
  });

  test("names are shortened in the middle by what they take on the screen", () => {
    expect(shorten("short.pdf", 20)).toBe("short.pdf");
    const wide = shorten("請求書請求書請求書請求書.pdf", 15);
    expect(stringWidth(wide)).toBeLessThanOrEqual(15);
    expect(wide).toMatch(/^請.*….*\.pdf$/);
  });
});

describe("names of files", () => {
  test.each([
    [
      ["in/a.pdf", "in/b/c.pdf"],
      ["a.pdf", "b/c.pdf"],
    ],
    [
      ["/x/in/a.pdf", "/x/in/b.pdf"],
      ["a.pdf", "b.pdf"],
    ],
    [
      ["in/a.pdf", "instead/b.pdf"],
      ["in/a.pdf", "instead/b.pdf"],
    ],
    [
      ["/a.pdf", "/b.pdf"],
      ["/a.pdf", "/b.pdf"],
    ],
    [
      ["s3://bucket/a.pdf", "b.pdf"],
      ["s3://bucket/a.pdf", "b.pdf"],
    ],
    [
      ["s3://bucket/a.pdf", "s3://bucket/b.pdf"],
      ["s3://bucket/a.pdf", "s3://bucket/b.pdf"],
    ],
    [["in/only.pdf"], ["in/only.pdf"]],
  ])("%j are shown as %j", (files, names) => {
    expect(shortNames(files)).toEqual(names);
  });
});

describe("progress on a terminal", () => {
  const files = [
    file("long-scan.pdf", { state: "started", stage: "awaitTextract", pages: 60, pagesDone: 23 }),
    file("letter.pdf", { state: "complete", pages: 2, pagesDone: 2 }),
    file("broken.pdf", { state: "failed", failure: { type: "Corrupt", message: "no end" } }),
    file("next.pdf"),
  ];

  test("the total counts documents and pages, and says when a count is not final", () => {
    expect(renderTotal(view(files))).toBe("2 of 4 documents (1 failed) · 25 of 62+ pages");
    expect(renderTotal(view(files.slice(0, 2), { pagesPerMinute: 37.6, millisecondsLeft: 59_000 }))).toBe(
      "1 of 2 documents · 25 of 62 pages · 38 pages/min · about 59 s left",
    );
  });

  test("each document has a line with its stage and pages, and no line is wider than the screen", () => {
    for (const columns of [40, 60, 80, 200]) {
      const lines = renderProgress(
        view(files, { trouble: { what: "PostgreSQL at 127.0.0.1:5432: refused", since: Date.now() - 12_500 } }),
        {
          columns,
          rows: 24,
          color,
        },
      );
      if (columns >= 60) expect(Math.max(...lines.map((line) => stringWidth(line)))).toBeLessThanOrEqual(columns);
      expect(lines.join("\n")).toMatch(/awaitTextract +23\/60/);
      expect(lines.at(-1)).toMatch(/^Nothing is lost: wai/);
    }
    const wide = renderProgress(view(files), { columns: 120, rows: 24, color }).join("\n");
    expect(wide).toMatch(/✗ broken\.pdf .*failed .*Corrupt/);
    expect(wide).toMatch(/✓ letter\.pdf .*complete .*2\/2/);
  });

  test("a thousand documents fit a small screen: those in work are shown, the others are counted", () => {
    const many = Array.from({ length: 1000 }, (_, i) => file(`file-${i}.pdf`));
    many[700] = file("busy.pdf", { state: "started", stage: "recognizeLocally", pages: 9, pagesDone: 4 });
    const lines = renderProgress(view(many), { columns: 80, rows: 12, color });
    expect(lines.length).toBeLessThanOrEqual(12);
    expect(lines.join("\n")).toContain("busy.pdf");
    expect(lines.join("\n")).toContain("and 999 more documents");
  });
});

describe("progress in a log", () => {
  test("a change of stage is told once, the total every ten seconds, trouble and reasons to wait when they begin", () => {
    const lines: string[] = [];
    let now = 0;
    const display = createPlainDisplay(
      (line) => void lines.push(line),
      () => now,
    );
    const doc = file("a.pdf", { state: "started", stage: "checkPrerequisites" });
    for (now = 0; now <= 25_000; now += 1000) {
      if (now === 12_000) Object.assign(doc, { stage: "awaitTextract", pages: 3 });
      if (now >= 14_000) doc.waitingFor = "Textract does not answer";
      doc.pagesDone = Math.floor(now / 10_000);
      display.update(
        view([doc], {
          trouble:
            now >= 5000 && now < 8000 ? { what: "S3 at http://127.0.0.1:9000: refused", since: Date.now() } : null,
        }),
      );
    }
    expect(lines).toEqual([
      "  a.pdf: checkPrerequisites",
      "Nothing is lost: waiting for S3 at http://127.0.0.1:9000: refused",
      "0 of 1 document · 0 of 0+ pages",
      "  a.pdf: awaitTextract",
      "0 of 1 document · 2 of 3 pages",
      "  a.pdf: awaitTextract (waiting: Textract does not answer)",
    ]);
  });
});

describe("rate", () => {
  test("pages a minute over the last minute, unknown until there is something to tell", () => {
    const rate = new PageRate();
    for (let second = -300; second <= 0; second++) rate.add(second * 1000, 0);
    expect(rate.perMinute()).toBeNull();
    for (let second = 1; second <= 60; second++) rate.add(second * 1000, second);
    expect(rate.perMinute()).toBeCloseTo(60);
    expect(rate.millisecondsFor(30)).toBeCloseTo(30_000);
    for (let second = 61; second <= 180; second++) rate.add(second * 1000, 60 + (second - 60) * 2);
    expect(rate.perMinute()).toBeCloseTo(120);
    for (let second = 181; second <= 300; second++) rate.add(second * 1000, 300);
    expect(rate.perMinute()).toBeNull();
  });
});
