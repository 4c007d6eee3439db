/** Prints the report as tables of Markdown, so that they can be put into the documentation as they are. */
export function printTables({ machine, accuracy, comparison, memory, textLayer }) {
  console.log(`${machine}\n`);
  if (accuracy.length > 0) {
    const conditions = Object.keys(accuracy[0].errors);
    console.log("Character errors, per cent; processor seconds a page; resident memory of the whole tree.\n");
    table(
      ["reader", "DPI", ...conditions, "mean", "CPU s a page", "MiB"],
      accuracy.map(({ reader, dpi, errors, meanError, cpuSecondsAPage, peakMebibytes }) => [
        reader,
        dpi,
        ...conditions.map((condition) => (100 * errors[condition]).toFixed(2)),
        (100 * meanError).toFixed(2),
        cpuSecondsAPage.toFixed(2),
        peakMebibytes.toFixed(0),
      ]),
    );
  }
  if (comparison.length > 0) {
    console.log("Wrong characters against native tesseract alone, and how likely chance makes the difference.\n");
    table(
      ["reader", "DPI", "condition", "pages", "characters", "wrong", "wrong, native", "chance"],
      comparison.map(({ reader, dpi, condition, pages, characters, errors, others, chance }) => [
        reader,
        dpi,
        condition,
        pages,
        characters,
        errors,
        others,
        chance.toFixed(2),
      ]),
    );
  }
  for (const [title, rows] of [
    ["Long scans", memory],
    ["Born-digital", textLayer],
  ]) {
    if (rows.length === 0) continue;
    console.log(`${title}\n`);
    table(
      ["reader", "pages", "seconds", "CPU s", "MiB"],
      rows.map(({ reader, pages, seconds, cpuSeconds, peakMebibytes, exitCode }) => [
        exitCode === 0 ? reader : `${reader} (ended with ${exitCode})`,
        pages,
        seconds.toFixed(1),
        cpuSeconds.toFixed(1),
        peakMebibytes.toFixed(0),
      ]),
    );
  }
}

function table(head, rows) {
  const line = (cells) => `| ${cells.join(" | ")} |`;
  console.log([line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n"));
  console.log();
}
