// @ts-check
import { letter, Typesetter } from "../typesetter.mjs";

/** A contract, four pages: Times 11, justified, numbered clauses, a schedule of fees. */
export async function serviceAgreement() {
  const t = await Typesetter.create({
    size: letter,
    margins: { top: 78, right: 82, bottom: 76, left: 82 },
    family: "times",
    fontSize: 11,
    align: "justify",
    header: (page) =>
      page === 1 ? [] : [{ text: "Tarnwick Fabrication, Inc." }, { text: "Master Services Agreement", align: "right" }],
    footer: (page, pages) => [
      { text: "Contract No. TF-2025-0417" },
      { text: `Page ${page} of ${pages}`, align: "right" },
    ],
  });
  t.gap(6);
  t.paragraph("MASTER SERVICES AGREEMENT", { style: "bold", size: 16, align: "center", after: 14 });
  t.paragraph(
    `This Master Services Agreement (this “Agreement”) is made as of March 3, 2025 (the “Effective Date”) between
    Tarnwick Fabrication, Inc., a Delaware corporation with its principal office at 1480 Foundry Road, Port Aldous
    (“Customer”), and Corvane Logistics LLC, a limited liability company organized under the laws of the State of
    Oregon (“Provider”). Customer and Provider are each a “Party” and together the “Parties”.`,
  );
  heading(t, "RECITALS");
  t.clause(
    "A.",
    `Customer manufactures pressure vessels and heat exchangers and needs storage, handling and carriage for goods that
    cannot be moved with ordinary equipment.`,
  );
  t.clause("B.", "Provider operates three bonded warehouses and a fleet of forty-two low-bed trailers.");
  t.clause(
    "C.",
    "The Parties wish to set out the terms on which Provider will serve Customer for the next five years.",
  );

  heading(t, "1. DEFINITIONS");
  t.clause(
    "1.1",
    `“Affiliate” means, for a Party, any entity that controls, is controlled by, or is under common control with that
    Party, where control means ownership of more than fifty percent (50%) of the voting interests.`,
  );
  t.clause(
    "1.2",
    `“Confidential Information” means information in any form that a Party marks as confidential or that a reasonable
    person would understand to be confidential from its nature, including drawings, prices, routes and lists of
    suppliers.`,
  );
  t.clause("1.3", "“Goods” means the items described in a Work Order, packed as Schedule B requires.");
  t.clause(
    "1.4",
    `“Work Order” means a document signed by both Parties that refers to this Agreement and states the Goods, the
    places of collection and delivery, the dates, and the charges.`,
  );

  heading(t, "2. SERVICES");
  t.clause(
    "2.1",
    `Provider shall perform the services stated in each Work Order with the skill and care of an experienced carrier of
    heavy equipment, and shall obtain every permit that the route requires no later than ten (10) business days before
    collection.`,
  );
  t.clause(
    "2.2",
    `Provider may not use a subcontractor without Customer’s prior written consent. Consent to one subcontractor is not
    consent to another, and Provider remains liable for the acts of each as for its own.`,
  );
  t.clause(
    "2.3",
    `If the Goods are not ready at the agreed hour, Provider shall wait for two (2) hours without charge. Waiting time
    beyond that is charged at the rate in Schedule A, up to a maximum of $1,850.00 a day.`,
  );
  t.clause(
    "2.4",
    `Provider shall keep a log of shocks, tilt and temperature for each shipment whose declared value exceeds
    $250,000 and shall send it to Customer within three (3) days after delivery.`,
  );

  heading(t, "3. CHARGES AND PAYMENT");
  t.clause(
    "3.1",
    `Customer shall pay the charges in Schedule A. Provider shall invoice monthly in arrears; each invoice must name
    the Work Order and the delivery receipt. Undisputed amounts are due thirty (30) days after receipt.`,
  );
  t.clause(
    "3.2",
    `Amounts not paid when due bear interest at one percent (1%) a month or the highest rate that the law permits,
    whichever is lower, from the due date until paid.`,
  );
  t.clause(
    "3.3",
    `Customer may dispute an invoice in good faith by written notice within fifteen (15) days. The Parties shall try to
    resolve the dispute within a further thirty (30) days; Provider shall not suspend the services in that time.`,
  );
  t.clause(
    "3.4",
    `Rates are fixed until February 28, 2026 and may then be adjusted once a year by no more than the change in the
    producer price index for freight trucking over the preceding twelve months.`,
  );

  heading(t, "4. RISK AND INSURANCE");
  t.clause(
    "4.1",
    `Risk of loss passes to Provider when the Goods are lifted at the place of collection and returns to Customer when
    the delivery receipt is signed. Title to the Goods remains with Customer at all times.`,
  );
  t.clause("4.2", "Provider shall maintain, at its own expense and with insurers rated A- or better:", { after: 3 });
  t.clause("(a)", "motor cargo insurance of at least $5,000,000 for each conveyance;", { indent: 30, after: 2 });
  t.clause("(b)", "commercial general liability insurance of at least $2,000,000 for each occurrence; and", {
    indent: 30,
    after: 2,
  });
  t.clause("(c)", "workers’ compensation insurance as the law of each state of performance requires.", { indent: 30 });
  t.clause(
    "4.3",
    `Provider’s liability for loss of or damage to the Goods is limited to the declared value in the Work Order, except
    where the loss results from gross negligence or willful misconduct. 49 U.S.C. § 14706 applies to interstate
    carriage only so far as this Agreement does not lawfully vary it.`,
  );

  heading(t, "5. CONFIDENTIALITY");
  t.clause(
    "5.1",
    `Each Party shall keep the other’s Confidential Information secret, use it only to perform this Agreement, and
    disclose it only to employees and advisers who need it and are bound by similar duties.`,
  );
  t.clause(
    "5.2",
    `Section 5.1 does not apply to information that is or becomes public without breach, was already known, is received
    from a third party free to disclose it, or must be disclosed by order of a court, provided that prompt notice is
    given where the law allows.`,
  );

  heading(t, "6. TERM AND TERMINATION");
  t.clause(
    "6.1",
    `This Agreement begins on the Effective Date and continues for five (5) years. It renews for successive periods of
    one (1) year unless a Party gives notice of non-renewal at least ninety (90) days before a period ends.`,
  );
  t.clause(
    "6.2",
    `A Party may terminate this Agreement if the other commits a material breach and does not cure it within thirty
    (30) days after written notice that describes the breach, or at once if the other becomes insolvent.`,
  );
  t.clause(
    "6.3",
    "Sections 3.2, 4.3, 5, 7 and 8 survive termination. Work Orders in progress are completed on the agreed terms.",
  );

  heading(t, "7. GOVERNING LAW AND DISPUTES");
  t.clause(
    "7.1",
    `The laws of the State of Delaware govern this Agreement, without regard to its rules on conflicts of laws.`,
  );
  t.clause(
    "7.2",
    `The Parties shall first submit any dispute to senior officers, who shall meet within twenty (20) days. If they do
    not agree, the dispute is settled by one arbitrator seated in Port Aldous under commercial rules then in force.
    Judgment on the award may be entered in any court of competent jurisdiction.`,
  );

  heading(t, "8. GENERAL");
  t.clause(
    "8.1",
    `Notices must be in writing and are effective when delivered by courier, or three (3) business days after being
    sent by certified mail, return receipt requested, to the addresses on the first page.`,
  );
  t.clause(
    "8.2",
    `Neither Party may assign this Agreement without the other’s consent, except to an Affiliate or to a successor to
    substantially all of its business. Any other assignment is void.`,
  );
  t.clause(
    "8.3",
    `This Agreement, its schedules and the Work Orders are the entire agreement of the Parties on their subject. It may
    be amended only in a writing signed by both. If a provision is unenforceable, the others remain in effect.`,
  );

  t.pageBreak();
  heading(t, "SCHEDULE A – CHARGES");
  const edges = [0, 48, -340, -448];
  t.row(["Item", "Description", "Unit", "Rate (USD)"], edges, { style: "bold", after: 3 });
  t.rule();
  for (const row of [
    ["A-1", "Low-bed trailer, up to 40 tons", "mile", "7.85"],
    ["A-2", "Low-bed trailer, 40 to 80 tons", "mile", "12.40"],
    ["A-3", "Escort vehicle", "mile", "2.15"],
    ["A-4", "Mobile crane with operator", "hour", "385.00"],
    ["A-5", "Bonded storage, indoors", "sq. ft./month", "1.32"],
    ["A-6", "Bonded storage, yard", "sq. ft./month", "0.47"],
    ["A-7", "Permit handling, each state", "permit", "210.00"],
    ["A-8", "Waiting time after two hours", "hour", "145.00"],
  ]) {
    t.row(row, edges, { after: 3 });
  }
  t.gap(18);
  t.paragraph("Fuel surcharge: 0.6% of line-haul charges for each $0.05 by which the weekly price exceeds $3.90.");
  t.gap(14);
  t.paragraph("IN WITNESS WHEREOF, the Parties have executed this Agreement as of the Effective Date.");
  t.gap(26);
  const two = [0, 232];
  t.row(["TARNWICK FABRICATION, INC.", "CORVANE LOGISTICS LLC"], two, { style: "bold", after: 34 });
  t.row(["By: ______________________", "By: ______________________"], two, { after: 8 });
  t.row(["Name: Imogen Castellane", "Name: Ruben Oakhurst"], two, { after: 8 });
  t.row(["Title: Vice President, Operations", "Title: Managing Member"], two, { after: 8 });
  t.row(["Date: March 3, 2025", "Date: March 5, 2025"], two);
  return t;
}

/** @param {Typesetter} t @param {string} text */
function heading(t, text) {
  t.gap(5);
  t.paragraph(text, { style: "bold", align: "left", keep: 60 });
}
