// @ts-check
import { letter, Typesetter } from "../typesetter.mjs";

/** A fax: cover sheet and a notice of default, Helvetica 12, with the sender's line that fax machines print on top. */
export async function noticeOfDefault() {
  const t = await Typesetter.create({
    size: letter,
    margins: { top: 84, right: 84, bottom: 70, left: 84 },
    family: "helvetica",
    fontSize: 12,
    leading: 1.4,
    header: (page, pages) => [
      { text: "11/06/2025 16:42" },
      { text: "HARROW & QUILL LLP", align: "center" },
      { text: `P. ${String(page).padStart(2, "0")}/${String(pages).padStart(2, "0")}`, align: "right" },
    ],
  });
  t.paragraph("FACSIMILE TRANSMITTAL", { style: "bold", size: 20, after: 16 });
  for (const row of [
    ["To:", "Legal Department, Ostrander Mills Company"],
    ["Fax:", "(555) 555-0148"],
    ["From:", "Harrow & Quill LLP"],
    ["Date:", "November 6, 2025"],
    ["Pages:", "2, including this cover"],
    ["Re:", "Promissory Note No. 3381 - Notice of Default"],
  ]) {
    t.row(row, [0, 84], { after: 5 });
  }
  t.rule();
  t.gap(10);
  t.paragraph("[X] Urgent   [ ] For review   [ ] Please reply", { after: 14 });
  t.paragraph(
    `The notice that follows is also being sent by overnight courier. Please confirm receipt by signing below and
    returning this page to (555) 555-0163.`,
  );
  t.paragraph(
    `CONFIDENTIAL: This transmission is intended only for the addressee and may be privileged. If you have received it in
    error, please telephone us at once and destroy all copies. Any other use is prohibited.`,
    { style: "bold", size: 10.5 },
  );
  t.pageBreak();
  t.paragraph("NOTICE OF DEFAULT AND ACCELERATION", { style: "bold", size: 14, after: 14 });
  t.paragraph("November 6, 2025", { after: 10 });
  t.paragraph("BY FAX AND COURIER", { style: "bold", after: 10 });
  t.paragraph("Ladies and Gentlemen:");
  t.paragraph(
    `We represent Fairlock Capital Partners, the holder of your Promissory Note No. 3381 dated April 9, 2023 in the
    original principal amount of $2,750,000.00 (the “Note”).`,
  );
  t.paragraph(
    `Under Section 2(b) of the Note, an instalment of $91,666.67 was due on October 1, 2025. It has not been paid, and
    the grace period of thirty days in Section 6(a) ended on October 31, 2025. An Event of Default therefore exists.`,
  );
  t.paragraph(
    `The holder declares the whole unpaid balance due at once. The amount owed today is $1,943,207.18, made up of
    principal of $1,925,000.00, interest of $13,623.85 and late charges of $4,583.33. Interest accrues at $448.77 a day.`,
  );
  t.paragraph(
    `Unless payment is received by wire before 5:00 p.m. on November 20, 2025, the holder will enforce its rights against
    the collateral and the guarantors without further notice. Nothing in this letter waives any right or remedy.`,
  );
  t.paragraph("Very truly yours,", { after: 26 });
  t.paragraph("HARROW & QUILL LLP", { after: 12 });
  t.paragraph("cc: Fairlock Capital Partners", { size: 10.5 });
  return t;
}
