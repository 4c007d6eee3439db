// @ts-check
import { letter, Typesetter } from "../typesetter.mjs";

/** Minutes of a board meeting, two pages: Times 11.5. */
export async function minutes() {
  const t = await Typesetter.create({
    size: letter,
    margins: { top: 80, right: 88, bottom: 84, left: 88 },
    family: "times",
    fontSize: 11.5,
    leading: 1.5,
    footer: (page) => [
      { text: "Thornfield Cooperative Water Company" },
      { text: `Minutes of January 22, 2026 – ${page}`, align: "right" },
    ],
  });
  t.paragraph("THORNFIELD COOPERATIVE WATER COMPANY", { style: "bold", size: 13, align: "center", after: 2 });
  t.paragraph("Minutes of the Regular Meeting of the Board of Directors", {
    align: "center",
    style: "italic",
    after: 14,
  });
  t.paragraph(
    `The Board met on Thursday, January 22, 2026 at 6:30 p.m. in the pump house at 8 Sluice Lane. Directors Abelard,
    Finch, Okoro and Vantongeren were present in person, Director Sillitoe by telephone. Director Marsh was excused. The
    manager, the treasurer and counsel attended. Eleven members were in the audience.`,
  );
  item(
    t,
    "1. Call to order.",
    "The chair called the meeting to order at 6:34 p.m. and noted that a quorum was present.",
  );
  item(
    t,
    "2. Approval of minutes.",
    `On motion of Director Finch, seconded by Director Okoro, the minutes of December 11, 2025 were approved with one
    correction: in item 5, “Well No. 6” should read “Well No. 9”.`,
  );
  item(
    t,
    "3. Treasurer’s report.",
    `Revenue for the quarter was $318,442, which is 3.1% above budget; expenses were $296,075. The reserve fund stands at
    $1,204,600. Fifty-four accounts are more than sixty days overdue, for a total of $12,918.`,
  );
  item(
    t,
    "4. Main replacement on Quarry Road.",
    `The manager reported three bids for 2,400 feet of eight-inch pipe: $412,000, $447,350 and $503,900. The lowest bidder
    has not furnished a bond. Counsel advised that § 14(b) of the bylaws permits the Board to reject a bid without a
    bond. Director Vantongeren moved to award the contract to the second bidder, subject to a completion date of
    August 31, 2026. The motion carried by four votes to one, Director Sillitoe opposed.`,
  );
  item(
    t,
    "5. Water quality.",
    `Samples of January 8 showed nitrate of 4.2 mg/l and no coliform bacteria. Lead was below the limit of detection in 29
    of 30 homes; the owner of the other has been told and a filter was delivered the same day.`,
  );
  item(
    t,
    "6. Rates.",
    `After discussion the Board RESOLVED that from April 1, 2026 the base charge be raised from $21.00 to $22.50 a month
    and that the charge for use above 12,000 gallons be $5.15 for each thousand gallons. Notice will be mailed to members
    at least forty-five days before, as § 9 of the bylaws requires. The resolution was adopted unanimously.`,
  );
  item(
    t,
    "7. Easement over Lot 17.",
    `Counsel presented a draft easement, twenty feet wide, along the northern line of Lot 17. The owner asks for $6,500
    and for the fence to be restored. The chair was authorised to sign on those terms.`,
  );
  item(
    t,
    "8. Closed session.",
    `At 8:05 p.m. the Board went into closed session to consider pending litigation. It returned at 8:27 p.m. No action
    was taken.`,
  );
  item(
    t,
    "9. Comments of members.",
    `A member asked when the hydrant at Cooper and Third will be repaired; the manager answered that the part is expected
    on February 3. Another thanked the crew for working through the storm of January 14.`,
  );
  item(
    t,
    "10. Adjournment.",
    `There being no further business, the meeting was adjourned at 8:41 p.m. The next regular meeting will be held on
    February 26, 2026.`,
  );
  t.gap(16);
  t.paragraph("Respectfully submitted,", { after: 24 });
  t.paragraph("________________________", { after: 2 });
  t.paragraph("Secretary of the Board", { after: 10 });
  t.paragraph("Approved: ____________ 2026");
  return t;
}

/** @param {Typesetter} t @param {string} title @param {string} text */
function item(t, title, text) {
  t.paragraph(title, { style: "bold", after: 2, keep: 50 });
  t.paragraph(text, { indent: 16, after: 8 });
}
