// @ts-check
import { createRandom } from "../random.mjs";
import { halfLetter, Typesetter } from "../typesetter.mjs";

/** @import { Random } from "../random.mjs" */

/**
 * A production of sixty slips from a warehouse's files, stamped with consecutive numbers: half-letter sheets of 80 to
 * 130 words, put together from the sentences below, no two alike.
 * @param {number} pages
 */
export async function production(pages) {
  const random = createRandom(7_041_776);
  const t = await Typesetter.create({
    size: halfLetter,
    margins: { top: 56, right: 40, bottom: 56, left: 44 },
    family: "times",
    fontSize: 11,
    leading: 1.35,
    header: (page, total) => [{ text: "Corvane Logistics LLC" }, { text: `Slip ${page} of ${total}`, align: "right" }],
    footer: (page) => [
      { text: "CONFIDENTIAL" },
      { text: `CVL-${String(4410 + page).padStart(6, "0")}`, align: "right" },
    ],
  });
  let day = 3;
  for (let page = 0; page < pages; page++) {
    if (page > 0) t.pageBreak();
    day += random.integer(1, 4);
    slip(t, /** @type {SlipKind} */ (kinds[page % kinds.length]), day, random);
  }
  return t;
}

/** @typedef {{ title: string, fields: string[], sentences: string[], closing: string[] }} SlipKind */

/** @param {Typesetter} t @param {SlipKind} kind @param {number} day @param {Random} random */
function slip(t, kind, day, random) {
  const date = new Date(Date.UTC(2024, 0, day)).toLocaleDateString("en-US", {
    timeZone: "UTC",
    year: "numeric",
    month: "long",
    day: "numeric",
  });
  t.paragraph(kind.title, { style: "bold", size: 13, after: 8 });
  t.row(["Date:", date], [0, 70], { after: 3 });
  for (const field of kind.fields) {
    const [label = "", value = ""] = field.split(": ");
    t.row([`${label}:`, fill(value, random)], [0, 70], { after: 3 });
  }
  t.gap(8);
  // Enough sentences for about a hundred words, in two paragraphs.
  const text = [];
  for (const sentence of random.shuffle(kind.sentences)) {
    text.push(fill(sentence, random));
    if (text.join(" ").split(" ").length > 78) break;
  }
  const half = Math.ceil(text.length / 2);
  t.paragraph(text.slice(0, half).join(" "));
  if (half < text.length) t.paragraph(text.slice(half).join(" "));
  t.gap(6);
  t.paragraph(fill(random.pick(kind.closing), random));
}

/** Replaces every {name} of a sentence. @param {string} sentence @param {Random} random */
function fill(sentence, random) {
  return sentence.replace(/\{(\w+)\}/g, (_, name) => {
    const make = slots[name];
    if (!make) throw new Error(`no slot is called ${name}`);
    return make(random);
  });
}

const pad = (/** @type {number} */ n) => String(n).padStart(2, "0");
const dollars = (/** @type {number} */ n) => `$${n.toLocaleString("en-US", { minimumFractionDigits: 2 })}`;

/** @type {Record<string, (random: Random) => string>} */
const slots = {
  company: (r) =>
    r.pick([
      "Tarnwick Fabrication",
      "Bellhaven Marine",
      "Ostrander Mills",
      "Lydgate Orchards",
      "Penhallow Cold Storage",
      "Wexcombe Signs",
      "Cobbett Salvage",
      "Fairlock Capital",
      "Quarry Road Masonry",
      "Saltmarsh Paper",
    ]),
  place: (r) =>
    r.pick([
      "Westhaven",
      "Port Aldous",
      "Lower Tolland",
      "Marlpit",
      "Thornfield",
      "Gate 3",
      "the north yard",
      "Bay 17",
    ]),
  goods: (r) =>
    r.pick([
      "steel flanges",
      "pump housings",
      "apple bins",
      "rolls of newsprint",
      "glass panels",
      "copper tubing",
      "boiler plates",
      "roof tiles",
      "cable drums",
      "paint in drums",
    ]),
  role: (r) =>
    r.pick([
      "the foreman",
      "the night clerk",
      "the driver",
      "the controller",
      "the customs broker",
      "the crane operator",
    ]),
  count: (r) => String(r.integer(3, 96)),
  weight: (r) => `${r.integer(1, 38).toLocaleString("en-US")},${String(r.integer(0, 99) * 10).padStart(3, "0")} pounds`,
  money: (r) => dollars(r.integer(40, 9400) + r.integer(0, 99) / 100),
  hour: (r) => `${r.integer(1, 12)}:${pad(r.integer(0, 11) * 5)} ${r.pick(["a.m.", "p.m."])}`,
  section: (r) => `§ ${r.integer(2, 19)}.${r.integer(1, 9)}`,
  number: (r) => `${r.pick(["WO", "BL", "PO", "RN"])}-${r.integer(10000, 99999)}`,
  percent: (r) => `${r.integer(2, 48)}%`,
  day: (r) => r.pick(["Monday", "Tuesday", "Wednesday", "Thursday", "Friday"]),
  month: (r) => r.pick(["March", "April", "June", "September", "October"]),
  celsius: (r) => `${r.integer(1, 29)} degrees`,
};

/** @type {SlipKind[]} */
const kinds = [
  {
    title: "TELEPHONE NOTE",
    fields: ["Caller: {company}", "Taken by: front desk", "Time: {hour}"],
    sentences: [
      "The caller asked where the {goods} are that were promised for {day}.",
      "We answered that the trailer left {place} at {hour} and should arrive before the gate closes.",
      "The caller said that a claim for {money} will follow if the load is late again.",
      "According to the caller, {role} had agreed by telephone to waive the waiting time.",
      "We could find no note of that and promised to ask {role} and call back by {day}.",
      "The order in question is {number}, which was split into two loads because of its weight.",
      "The caller also wants a copy of the receipt for {count} pallets of {goods}.",
      "Please look up what the contract says in {section} about delays that weather causes.",
      "The line was poor, and the figures should be confirmed in writing.",
      "A second call came in at {hour} to say that the matter has become urgent.",
    ],
    closing: ["Action: call back before {hour}.", "Action: send to the claims desk.", "No further action today."],
  },
  {
    title: "GOODS RECEIVED NOTE",
    fields: ["Supplier: {company}", "Order: {number}", "Door: {count}"],
    sentences: [
      "Received in good order {count} crates of {goods}, gross weight {weight}.",
      "Two crates were wet on the underside and have been set aside near {place}.",
      "The seal on the container was intact and its number agrees with the bill of lading.",
      "The count is short by {count} pieces against the packing list.",
      "Temperature on arrival was {celsius}, which is within the agreed range.",
      "Unloading began at {hour} and took longer than planned, because the forklift had to be changed.",
      "Photographs of the damaged corner were taken before the straps were cut.",
      "The driver signed for the shortage and was given a copy.",
      "The goods were placed in bonded storage until the duty of {money} has been paid.",
      "An inspector for {company} will come on {day} to look at the {goods}.",
    ],
    closing: [
      "Checked by: receiving, second shift.",
      "Entered in the stock book on {day}.",
      "Copy to accounts payable.",
    ],
  },
  {
    title: "INTERNAL MEMORANDUM",
    fields: ["To: all shift leaders", "From: operations", "Subject: {goods}"],
    sentences: [
      "From next {day} all loads of {goods} must be weighed twice, at the gate and at the dock.",
      "The change follows an audit that found differences of {percent} between the two scales.",
      "Nobody may sign a receipt for {company} unless the seal number is written on it.",
      "Overtime in {month} was {percent} above plan, and more than half of it was spent at {place}.",
      "Please remember that {section} of the service contract allows only two free hours for loading.",
      "The old forms may be used until the end of {month} and must then be destroyed.",
      "Questions about the new procedure should be put to the safety office, not to the customer.",
      "The cost of the mistake of last week was {money}, and we will have to bear it.",
      "A short training will be held at {hour} in the canteen, and attendance will be recorded.",
      "Thank you for the careful work during the move of the {goods} from {place}.",
    ],
    closing: ["Please post this on the board.", "This memorandum replaces the one of {month}."],
  },
  {
    title: "MAINTENANCE RECORD",
    fields: ["Equipment: crane {count}", "Location: {place}", "Meter: {weight}"],
    sentences: [
      "The monthly inspection found a worn brake lining and a loose bolt on the slewing ring.",
      "The lining was replaced at a cost of {money}, and the bolt was tightened to the maker's figure.",
      "The wire rope shows {count} broken strands over a length of three feet and must be watched.",
      "Hydraulic oil was topped up, and a sample was sent to the laboratory on {day}.",
      "The load test was made with {weight} and was passed at the second try.",
      "The limit switch failed once in ten lifts, so a new one has been ordered under {number}.",
      "Until it arrives the crane may be used only with {role} present.",
      "The operator's window is scratched and should be changed before winter.",
      "Battery voltage was low in the morning at {celsius} and normal at {hour}.",
      "No grease was found in the lower bearing, which had been reported in {month} already.",
    ],
    closing: ["Next inspection due in {month}.", "Equipment released for service.", "Equipment tagged out."],
  },
  {
    title: "DELIVERY RECEIPT",
    fields: ["Consignee: {company}", "Work order: {number}", "Trailer: {count}"],
    sentences: [
      "Delivered {count} pieces of {goods} to {place}, apparent good order except as noted.",
      "The consignee's crane was not ready, and the truck waited from {hour} until it was free.",
      "Waiting time has been charged under {section} at the agreed rate.",
      "One piece was scratched on the left side and the consignee reserves its rights.",
      "The load was secured with {count} chains, all of which were returned.",
      "Declared value of the shipment is {money}.",
      "The shock recorder was read at the gate and showed nothing above the limit.",
      "The road to the site was blocked by another carrier for some time.",
      "The consignee asked that the remaining {goods} be held until {day}.",
      "Escort vehicles were dismissed at the county line with the consent of the police.",
    ],
    closing: ["Received by: consignee's stamp.", "Time of departure: {hour}.", "Original with the driver."],
  },
  {
    title: "CREDIT REQUEST",
    fields: ["Customer: {company}", "Invoice: {number}", "Amount: {money}"],
    sentences: [
      "The customer was charged twice for the storage of {goods} in {month}.",
      "The rate should have been reduced by {percent} after the first ninety days.",
      "The error was found by the customer's controller and confirmed by us on {day}.",
      "The contract provides in {section} that a wrong invoice must be corrected within ten days.",
      "We propose to credit {money} and to bill the balance again at the end of the month.",
      "The fuel surcharge was worked out from the price of the wrong week.",
      "Part of the sum, {money}, was already paid and should be returned by wire.",
      "No credit is due for the crane, which was ordered for {hour} and used as agreed.",
      "Similar mistakes were made on invoices to {company}, and those are being checked.",
      "The sales office has asked that a letter of apology go out with the credit.",
    ],
    closing: ["Approved: accounts receivable.", "Pending: second signature.", "Refused in part, see file."],
  },
  {
    title: "INCIDENT REPORT",
    fields: ["Place: {place}", "Reported by: shift leader", "Reference: {number}"],
    sentences: [
      "At {hour} a stack of {goods} leaned over and came to rest against the wall.",
      "Nobody was hurt, and the area was closed with tape until {role} arrived.",
      "The floor at that point slopes, which had been pointed out in {month}.",
      "About {count} pieces are damaged, and the loss is put at {money}.",
      "The forklift had been left with its forks raised, contrary to {section} of the yard rules.",
      "Two witnesses from {company} saw what happened and gave their statements on {day}.",
      "It had rained since morning, and the light above the door was out of order.",
      "The insurer was told by telephone and has asked for drawings of the racks.",
      "The stack was taken down by hand, which took until {hour}.",
      "We suggest a limit of {weight} for each bay until the floor has been repaired.",
    ],
    closing: ["Report closed.", "Report remains open until the floor is repaired.", "Sent to the safety committee."],
  },
];
