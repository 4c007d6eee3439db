// @ts-check
import { letter, Typesetter } from "../typesetter.mjs";

/** An amendment to a lease, two pages: Helvetica 10.5. */
export async function leaseAmendment() {
  const t = await Typesetter.create({
    size: letter,
    margins: { top: 76, right: 76, bottom: 80, left: 86 },
    family: "helvetica",
    fontSize: 10.5,
    leading: 1.6,
    footer: (page, pages) => [
      { text: "Second Amendment to Lease" },
      { text: "Initials: ____ / ____", align: "center" },
      { text: `${page}/${pages}`, align: "right" },
    ],
  });
  t.paragraph("SECOND AMENDMENT TO COMMERCIAL LEASE", { style: "bold", size: 14, after: 4 });
  t.paragraph("Suite 600, The Kestrel Building, 25 Marlpit Square", { style: "italic", after: 14 });
  t.paragraph(
    `This Second Amendment is dated September 18, 2025 and is between Marlpit Square Properties LP (“Landlord”) and
    Hollis Bracken Architects, P.C. (“Tenant”). It amends the lease between them dated May 1, 2019, as amended on
    July 15, 2022 (together the “Lease”).`,
  );
  t.paragraph(
    `Landlord and Tenant agree, for good and valuable consideration whose receipt each acknowledges, as follows:`,
  );
  const clauses = [
    [
      "Extension of Term.",
      `The Term, which would have ended on April 30, 2026, is extended to April 30, 2031 (the “Extension Term”). Tenant
      has one option to extend further for three years, on twelve months’ written notice, at ninety-five percent of the
      fair market rent.`,
    ],
    [
      "Base Rent.",
      `From May 1, 2026 Tenant shall pay Base Rent in advance on the first day of each month according to the table
      below. Rent for a part of a month is prorated by days.`,
    ],
    [
      "Additional Premises.",
      `On or before January 5, 2026 Landlord shall deliver Suite 610 (1,925 rentable square feet) broom-clean and free of
      occupants. From the day of delivery the Premises measure 9,340 rentable square feet, and Tenant’s Proportionate
      Share is 11.82%.`,
    ],
    [
      "Improvements.",
      `Landlord shall contribute up to $38.00 a rentable square foot toward Tenant’s work in Suite 610. Sums not drawn by
      December 31, 2026 lapse. Plans need Landlord’s approval, which may not be unreasonably withheld and is deemed given
      if Landlord does not answer within ten business days.`,
    ],
    [
      "Operating Expenses.",
      `The Base Year becomes calendar year 2026. Controllable Operating Expenses may not rise by more than four percent
      (4%) over the preceding year; taxes, insurance, utilities and removal of snow are not controllable.`,
    ],
    [
      "Security Deposit.",
      `Tenant shall raise the deposit from $41,200 to $56,000 within five days after signing. If no event of default has
      occurred by May 1, 2028, Landlord shall return $14,800.`,
    ],
    [
      "Surrender.",
      `Section 22(c) of the Lease is deleted. Tenant need not remove cabling that was installed before July 15, 2022.`,
    ],
    [
      "Brokers.",
      `Each party represents that it dealt with no broker except Pennant Realty Advisors, whose commission Landlord shall
      pay under a separate agreement, and shall hold the other harmless from any other claim.`,
    ],
    [
      "Ratification.",
      `Except as changed here the Lease remains in full force. If this Amendment and the Lease conflict, this Amendment
      controls. It may be signed in counterparts and delivered electronically.`,
    ],
  ];
  clauses.forEach(([name, text], i) => {
    t.paragraph(`${i + 1}. ${name} ${text}`, { keep: 44 });
    if (i === 1) rentTable(t);
  });
  t.gap(10);
  t.paragraph("Executed on the date first written above.", { after: 22 });
  const two = [0, 230];
  t.row(["LANDLORD", "TENANT"], two, { style: "bold", after: 4 });
  t.row(["Marlpit Square Properties LP", "Hollis Bracken Architects, P.C."], two, { after: 26 });
  t.row(["By: _____________________", "By: _____________________"], two, { after: 4 });
  t.row(["Its: General Partner", "Its: President"], two);
  return t;
}

/** @param {Typesetter} t */
function rentTable(t) {
  const edges = [40, -290, -400];
  t.row(["Period", "Annual, per sq. ft.", "Monthly"], edges, { style: "bold", after: 3 });
  for (const row of [
    ["5/1/2026 - 4/30/2027", "$31.50", "$24,517.50"],
    ["5/1/2027 - 4/30/2028", "$32.45", "$25,256.92"],
    ["5/1/2028 - 4/30/2029", "$33.42", "$26,011.90"],
    ["5/1/2029 - 4/30/2030", "$34.42", "$26,790.23"],
    ["5/1/2030 - 4/30/2031", "$35.46", "$27,599.70"],
  ]) {
    t.row(row, edges, { after: 2 });
  }
  t.gap(10);
}
