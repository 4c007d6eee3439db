// @ts-check
import { letter, Typesetter } from "../typesetter.mjs";

/** A settlement with two exhibits, five pages, of which the exhibits (pages 3 and 4) are scanned: Times 12. */
export async function settlement() {
  const t = await Typesetter.create({
    size: letter,
    margins: { top: 84, right: 84, bottom: 84, left: 84 },
    family: "times",
    fontSize: 12,
    leading: 1.35,
    footer: (page, pages) => [{ text: "Settlement Agreement" }, { text: `Page ${page} of ${pages}`, align: "right" }],
  });
  t.paragraph("CONFIDENTIAL SETTLEMENT AGREEMENT AND RELEASE", { style: "bold", size: 13, align: "center", after: 14 });
  t.paragraph(
    `This agreement is made on August 29, 2025 between Lydgate Orchards Company (“Lydgate”) and Penhallow Cold Storage,
    Inc. (“Penhallow”) to end the action numbered 24-CV-7716 in the District Court of Aldermoor (the “Action”).`,
  );
  t.paragraph(
    `In the Action, Lydgate claims that 612 bins of apples were spoiled between October 9 and October 17, 2024 because the
    controlled atmosphere in Room 4 of Penhallow’s plant was allowed to exceed 6.5% oxygen. Penhallow denies the claim.
    Both wish to avoid the cost and uncertainty of a trial.`,
  );
  const clauses = [
    `Payment. Penhallow shall pay Lydgate $288,000 in three equal instalments on September 30, October 31 and
    November 28, 2025, by wire to the account that Lydgate’s counsel will name in writing.`,
    `Dismissal. Within ten days after the last instalment the parties shall file a stipulation that dismisses the Action
    with prejudice, each side bearing its own costs and fees.`,
    `Release by Lydgate. Upon the last payment Lydgate releases Penhallow and its officers, insurers and successors from
    all claims, known or unknown, that arise from the storage of the 2024 crop.`,
    `Release by Penhallow. Upon signing, Penhallow releases Lydgate from all claims for storage charges for the same
    crop, which the parties estimate at $41,310.`,
    `Default. If an instalment is more than seven days late, the whole balance falls due, with interest at nine percent
    a year, and Lydgate may enter the consent judgment that counsel hold in escrow.`,
    `No admission. Nothing here is an admission of fault and nothing here may be used as evidence, except to enforce this
    agreement.`,
    `Confidentiality. The parties shall not disclose the amount of the settlement, except to auditors, insurers, tax
    authorities, or as a court may order. Either may say that the matter “has been resolved”.`,
    `Storage in 2026. Penhallow offers Lydgate 400 bins in Room 2 for the 2026 season at $31.75 a bin, open for acceptance
    until April 15, 2026. Oxygen and temperature readings shall be sent to Lydgate every Monday.`,
    `Inspection. Lydgate may inspect any room in which its fruit is kept on one business day’s notice, at its own cost.`,
    `Taxes. Each party is responsible for its own taxes on the sums that it receives.`,
    `Entire agreement. This agreement, with Exhibit 1 (reading log) and Exhibit 2 (inspection report), is complete and
    replaces all earlier discussions. It may be changed only in writing and is governed by the laws of Aldermoor.`,
    `Authority. Each person who signs states that he or she has authority to bind the party named.`,
  ];
  clauses.forEach((text, i) => {
    t.clause(`${i + 1}.`, text, { hang: 24, after: 9 });
  });
  t.pageBreak();
  t.paragraph("EXHIBIT 1", { style: "bold", size: 15, align: "center", after: 12 });
  t.paragraph("Room 4 reading log (extract), as kept by the night engineer", { style: "italic", after: 10 });
  const edges = [0, 100, 190, 290];
  t.row(["Date", "Hour", "Oxygen %", "Remarks"], edges, { style: "bold", after: 4 });
  t.rule();
  for (const row of [
    ["Oct. 8, 2024", "23:00", "2.1", "normal"],
    ["Oct. 9, 2024", "05:00", "3.8", "door seal checked"],
    ["Oct. 9, 2024", "23:00", "5.2", "scrubber restarted"],
    ["Oct. 10, 2024", "05:00", "6.7", "called supervisor"],
    ["Oct. 11, 2024", "05:00", "7.4", "no answer"],
    ["Oct. 13, 2024", "23:00", "8.0", "alarm muted"],
    ["Oct. 15, 2024", "05:00", "7.9", "fruit soft near door"],
    ["Oct. 17, 2024", "11:00", "2.4", "valve 12 replaced"],
  ]) {
    t.row(row, edges, { after: 8 });
  }
  t.gap(16);
  t.paragraph("Copied from the original log book and found correct.", { after: 8 });
  t.paragraph("Plant office, October 21, 2024");
  t.pageBreak();
  t.paragraph("EXHIBIT 2", { style: "bold", size: 15, align: "center", after: 12 });
  t.paragraph("INSPECTION REPORT No. 0592", { style: "bold", after: 8 });
  t.paragraph(
    `At the request of the grower we examined a sample of thirty bins from Room 4 on October 18 and 19, 2024. The bins were
    chosen by lot. From each, one hundred fruit were cut and judged for firmness, browning of the core, and decay.`,
  );
  t.paragraph(
    `Firmness averaged 9.6 pounds against 14.5 pounds at harvest. Core browning was found in 47% of the fruit and decay in
    12%. The damage was greatest within five metres of the door and least along the rear wall.`,
  );
  t.paragraph(
    `In our opinion the pattern cannot be explained by the state of the fruit at intake. It agrees with a leak of air at
    the door over a week or longer. The lot is fit for juice only, at a value of about $38 a bin.`,
  );
  t.paragraph("Westhaven Fruit Inspection Service", { after: 2 });
  t.paragraph("Certified October 24, 2024");
  t.pageBreak();
  t.paragraph("SIGNATURES", { style: "bold", align: "center", after: 14 });
  t.paragraph("The parties have signed this agreement on the dates below.", { after: 30 });
  const two = [0, 230];
  t.row(["LYDGATE ORCHARDS COMPANY", "PENHALLOW COLD STORAGE, INC."], two, { style: "bold", size: 11, after: 34 });
  t.row(["By: ____________________", "By: ____________________"], two, { after: 6 });
  t.row(["Its: Chief Executive", "Its: Treasurer"], two, { after: 6 });
  t.row(["Date: August 29, 2025", "Date: September 2, 2025"], two, { after: 30 });
  t.paragraph("Approved as to form:", { after: 30 });
  t.row(["____________________", "____________________"], two, { after: 4 });
  t.row(["Counsel for Lydgate", "Counsel for Penhallow"], two);
  return t;
}

/** Zero-based indexes of the pages that are scanned. */
export const scannedExhibits = [2, 3];
