// @ts-check
import { letter, Typesetter } from "../typesetter.mjs";

/** A pleading, three pages: Times 12, a caption, numbered paragraphs. */
export async function complaint() {
  const t = await Typesetter.create({
    size: letter,
    margins: { top: 72, right: 80, bottom: 80, left: 96 },
    family: "times",
    fontSize: 12,
    leading: 1.6,
    footer: (page) => [{ text: `COMPLAINT – ${page}`, align: "center" }],
  });
  t.paragraph("IN THE SUPERIOR COURT OF THE STATE OF ALDERMOOR", { style: "bold", align: "center", after: 2 });
  t.paragraph("IN AND FOR THE COUNTY OF WESTHAVEN", { style: "bold", align: "center", after: 18 });
  const caption = [0, 250];
  t.row(["BELLHAVEN MARINE LTD.,", "Case No. 25-CV-01932"], caption);
  t.row(["Plaintiff,", ""], [90, 250], { after: 4 });
  t.row(["v.", "COMPLAINT FOR BREACH OF"], [40, 250], { after: 4 });
  t.row(["DUNMERE HOLDINGS, INC.,", "CONTRACT AND NEGLIGENCE"], caption);
  t.row(["Defendant.", "(Jury Trial Demanded)"], [90, 250], { after: 4 });
  t.rule();
  t.gap(6);
  t.paragraph("Plaintiff Bellhaven Marine Ltd. alleges as follows:", { firstIndent: 36 });
  title(t, "I. PARTIES AND JURISDICTION");
  numbered(t, 1, [
    `Plaintiff is a corporation that builds and repairs fishing vessels at Pier 14, Westhaven. It has paid all license
    fees that are due to the state.`,
    `Defendant Dunmere Holdings, Inc. is a foreign corporation that leases dry docks and cranes and is registered to do
    business in Aldermoor.`,
    `This Court has jurisdiction under § 2.08.010 of the Revised Code. Venue is proper because the acts complained of
    took place in Westhaven County.`,
  ]);
  title(t, "II. FACTS");
  numbered(t, 4, [
    `On June 12, 2024 the parties signed a written lease of Dry Dock No. 3 for a term of eighteen months at a monthly
    rent of $62,500 (the “Lease”). A true copy is attached as Exhibit A.`,
    `Section 7.2 of the Lease requires Defendant to inspect the dock’s keel blocks, gates and pumps every thirty days and
    to repair any defect within five days after it is found.`,
    `Defendant’s own maintenance records show that the gate seals were last inspected on August 2, 2024 and that pump 2
    had been out of order since September 9, 2024.`,
    `On the night of November 21, 2024, while the trawler Northern Petrel was in the dock, the lower gate seal failed.
    The remaining pump could not keep up, and water rose to 2.7 metres above the dock floor within forty minutes.`,
    `The vessel lifted off its blocks and struck the eastern wall. Its rudder post, forty-one feet of hull plating and
    the propeller shaft were damaged, and welding equipment worth $118,340 was lost.`,
    `Plaintiff gave written notice on November 23, 2024. Defendant answered on December 4, 2024 that it would “look into
    the matter”, and has done nothing since.`,
  ]);
  title(t, "III. FIRST CLAIM: BREACH OF CONTRACT");
  numbered(t, 10, [
    "Plaintiff repeats paragraphs 1 to 9 and has performed every duty that the Lease put upon it.",
    `Defendant breached §§ 7.2, 7.4 and 11.1 of the Lease by failing to inspect, failing to repair, and failing to
    insure the dock for the replacement value of vessels in it.`,
    `As a direct result Plaintiff has lost not less than $1,406,900, consisting of repairs of $871,560, hire of another
    dock of $232,000, lost equipment of $118,340, and delay charges of $185,000 owed to the vessel’s owner.`,
  ]);
  title(t, "IV. SECOND CLAIM: NEGLIGENCE");
  numbered(t, 13, [
    "Plaintiff repeats paragraphs 1 to 12. Defendant owed a duty of reasonable care in operating the dock.",
    `Defendant knew, or with ordinary care would have known, that a dock with one working pump could not be made safe
    if a seal failed, and left it unattended at night.`,
    "Defendant’s breach of that duty was a proximate cause of the damage, in an amount to be proved at trial.",
  ]);
  title(t, "V. PRAYER FOR RELIEF");
  t.paragraph("WHEREFORE, Plaintiff asks for judgment against Defendant as follows:", { firstIndent: 36 });
  t.clause("(a)", "damages of at least $1,406,900, with interest at the statutory rate from November 21, 2024;", {
    indent: 36,
  });
  t.clause("(b)", "termination of the Lease and return of the deposit of $187,500;", { indent: 36 });
  t.clause("(c)", "attorneys’ fees and costs under § 19.3 of the Lease; and", { indent: 36 });
  t.clause("(d)", "such other relief as the Court finds just.", { indent: 36 });
  t.paragraph("DATED this 14th day of February, 2025.", { firstIndent: 36, after: 20 });
  for (const line of ["HARROW & QUILL LLP", "By ____________________", "Attorneys for Plaintiff", "Bar No. 00417"]) {
    t.paragraph(line, { indent: 220, after: 2 });
  }
  return t;
}

/** @param {Typesetter} t @param {string} text */
function title(t, text) {
  t.paragraph(text, { style: "bold", align: "center", keep: 70 });
}

/** @param {Typesetter} t @param {number} first @param {string[]} paragraphs */
function numbered(t, first, paragraphs) {
  paragraphs.forEach((text, i) => {
    t.paragraph(`${first + i}. ${text}`, { firstIndent: 36 });
  });
}
