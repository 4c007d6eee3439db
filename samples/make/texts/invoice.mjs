// @ts-check
import { rgb } from "pdf-lib";
import { letter, Typesetter } from "../typesetter.mjs";

/** An invoice with a letterhead in colour, one page: Helvetica 10.5. */
export async function invoice() {
  const blue = rgb(0.1, 0.24, 0.52);
  const t = await Typesetter.create({
    size: letter,
    margins: { top: 62, right: 72, bottom: 74, left: 72 },
    family: "helvetica",
    fontSize: 10.5,
    leading: 1.3,
    footer: () => [{ text: "Payment is due within 30 days. Please quote the invoice number.", align: "center" }],
  });
  t.paragraph("Quillon Forensic Accounting", { style: "bold", size: 22, color: blue, after: 2 });
  t.paragraph("77 Ledger Lane, Suite 12 · Westhaven · (555) 555-0171 · billing@quillon.example", {
    size: 9.5,
    color: blue,
    after: 4,
  });
  t.rule();
  t.gap(8);
  t.paragraph("INVOICE", { style: "bold", size: 16, after: 10 });
  for (const row of [
    ["Bill to:", "Harrow & Quill LLP", "Invoice number:", "QF-20871"],
    ["", "900 Exchange Plaza", "Invoice date:", "07/31/2025"],
    ["", "Westhaven", "Matter:", "25-CV-01932"],
    ["", "", "Terms:", "Net 30"],
  ]) {
    t.row(row, [0, 52, 270, 366], { after: 3 });
  }
  t.gap(16);
  const edges = [0, 62, -330, -394, -468];
  t.row(["Date", "Services", "Hours", "Rate", "Amount"], edges, { style: "bold", after: 3 });
  t.rule();
  for (const row of [
    ["07/02/25", "Review of maintenance ledgers", "3.50", "$285.00", "$997.50"],
    ["07/03/25", "Interview with plant controller", "1.25", "$285.00", "$356.25"],
    ["07/08/25", "Reconstruction of pump expenses", "6.00", "$240.00", "$1,440.00"],
    ["07/10/25", "Loss schedule, first draft", "4.75", "$285.00", "$1,353.75"],
    ["07/15/25", "Call with counsel on exhibits", "0.50", "$285.00", "$142.50"],
    ["07/17/25", "Tracing of insurance premiums", "5.25", "$240.00", "$1,260.00"],
    ["07/22/25", "Loss schedule, second draft", "3.00", "$285.00", "$855.00"],
    ["07/24/25", "Rebuttal of opposing expert", "7.50", "$310.00", "$2,325.00"],
    ["07/29/25", "Preparation for testimony", "2.25", "$310.00", "$697.50"],
  ]) {
    t.row(row, edges, { after: 5 });
  }
  t.rule();
  for (const row of [
    ["Subtotal", "34.00", "$9,427.50"],
    ["Copies, 412 pages at $0.15", "", "$61.80"],
    ["Mileage, 86 miles at $0.70", "", "$60.20"],
    ["Less retainer applied", "", "($2,500.00)"],
  ]) {
    t.row(row, [62, -330, -468], { after: 5 });
  }
  t.row(["AMOUNT DUE", "$7,049.50"], [62, -468], { style: "bold", size: 12, after: 22 });
  t.paragraph(
    `Interest of 1.5% a month is added to balances that are more than thirty days old. Questions about this invoice must be
    raised in writing by August 20, 2025. Work papers are kept for seven years, then destroyed.`,
  );
  t.paragraph("Wire: Saltmarsh Trust, account ending 0042, reference QF-20871.");
  return t;
}
