// @ts-check
import { letter, Typesetter } from "../typesetter.mjs";

/** A court's order, one page: Times 13. */
export async function courtOrder() {
  const t = await Typesetter.create({
    size: letter,
    margins: { top: 90, right: 92, bottom: 84, left: 92 },
    family: "times",
    fontSize: 13,
    leading: 1.42,
    footer: (page) => [{ text: `ORDER – ${page}`, align: "center" }],
  });
  t.paragraph("DISTRICT COURT OF ALDERMOOR", { style: "bold", align: "center", after: 2 });
  t.paragraph("NORTHERN DIVISION", { style: "bold", align: "center", after: 20 });
  t.row(["IN RE: ESTUARY BONDS LITIGATION", "No. 23-MD-0088"], [0, -428], { after: 18 });
  t.paragraph("ORDER ON MOTION TO COMPEL", { style: "bold", align: "center", after: 16 });
  t.paragraph(
    `THIS MATTER came before the Court on March 12, 2026 on the motion of the Lead Plaintiffs to compel production of
    documents (Docket No. 214). Having read the briefs and heard argument, the Court FINDS that:`,
  );
  t.clause("1.", "Requests 4, 7 and 11 seek documents that are relevant and proportional to the needs of the case.");
  t.clause("2.", "Request 15, which covers eleven years and every subsidiary, is too broad as it stands.");
  t.clause("3.", "Defendants have not shown that any document is protected as work product under Rule 26(b)(3).");
  t.paragraph("It is therefore ORDERED:", { after: 6 });
  t.clause("(a)", "The motion is GRANTED as to Requests 4, 7 and 11. Production is due by April 10, 2026.", {
    indent: 24,
  });
  t.clause("(b)", "The motion is DENIED as to Request 15, without prejudice to a narrower one.", { indent: 24 });
  t.clause("(c)", "Each side shall bear its own expenses of the motion.", { indent: 24 });
  t.paragraph("DONE this 16th day of March, 2026.", { after: 36 });
  t.paragraph("______________________________", { indent: 210, after: 2 });
  t.paragraph("District Judge", { indent: 210 });
  return t;
}
