// @ts-check
import { letter as letterSize, Typesetter } from "../typesetter.mjs";

/** A demand letter, two pages: Courier 11, as from a typewriter. */
export async function demandLetter() {
  const t = await Typesetter.create({
    size: letterSize,
    margins: { top: 84, right: 82, bottom: 90, left: 96 },
    family: "courier",
    fontSize: 11,
    leading: 1.4,
    header: (page) => (page === 1 ? [] : [{ text: "Cobbett Salvage Yard" }, { text: `Page ${page}`, align: "right" }]),
  });
  t.paragraph("PELLEW, STROUD & NARAYAN", { style: "bold", align: "center", after: 0 });
  t.paragraph("Counselors at Law", { align: "center", after: 0 });
  t.paragraph("310 Granary Street, Fourth Floor", { align: "center", after: 18 });
  t.paragraph("May 27, 2025", { after: 12 });
  for (const line of ["Cobbett Salvage Yard", "Attention: Claims", "RR 2, Box 119", "Lower Tolland"]) {
    t.paragraph(line, { after: 0 });
  }
  t.gap(12);
  t.paragraph("Re: Crane accident of April 16, 2025; our file 25-0388", { style: "bold", indent: 36, after: 12 });
  t.paragraph("Dear Sir or Madam:");
  t.paragraph(
    `This office has been retained by Wexcombe Signs Inc. in connection with the loss of a delivery truck and its load on
    your premises on the afternoon of April 16, 2025.`,
  );
  t.paragraph(
    `The facts are not in doubt. Our client's driver was told by your yard foreman to park beneath the jib of the
    stationary crane. At about 2:20 p.m. a bundle of scrap rail weighing some 3,100 pounds slipped from its sling and
    fell through the roof of the cargo box. The driver was in the office and was not hurt.`,
  );
  t.paragraph(
    `A report by an independent engineer, dated May 6, finds that the sling was frayed for a length of nine inches, that
    its tag showed a last inspection in March 2021, and that the hook had no safety latch. Each of these is a violation
    of the state rules on hoisting equipment (Chapter 296-155, Part L).`,
  );
  t.paragraph("Our client's losses to date are as follows:", { after: 4 });
  for (const row of [
    ["Truck, total loss", "$46,800.00"],
    ["Two illuminated signs", "$19,275.00"],
    ["Towing and storage", "$1,140.50"],
    ["Rental of a substitute", "$3,960.00"],
    ["Engineer's report", "$2,200.00"],
    ["Total", "$73,375.50"],
  ]) {
    t.row(row, [36, -380], { after: 1 });
  }
  t.gap(10);
  t.paragraph(
    `We ask that you or your insurer pay this sum within twenty-one (21) days after the date of this letter. If we do not
    hear from you by June 17, 2025, we are instructed to file suit, and will then also claim interest, lost profits and
    the costs of the action.`,
  );
  t.paragraph(
    `You are required to keep the sling, the hook, the crane's log and any photographs or recordings of that day. Their
    loss or alteration may lead a court to draw conclusions against you.`,
  );
  t.paragraph(
    `If you carry liability insurance, please send this letter to the carrier today and let us have the policy number and
    the adjuster's name.`,
  );
  t.paragraph("Yours faithfully,", { after: 34 });
  t.paragraph("PELLEW, STROUD & NARAYAN", { after: 12 });
  t.paragraph("Enclosures: engineer's report (7 pages), estimates (3)", { after: 0 });
  t.paragraph("cc: Wexcombe Signs Inc.");
  return t;
}
