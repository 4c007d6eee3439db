// @ts-check
import { letter, Typesetter } from "../typesetter.mjs";

/** An affidavit, two pages: Times 12. */
export async function affidavit() {
  const t = await Typesetter.create({
    size: letter,
    margins: { top: 90, right: 86, bottom: 90, left: 96 },
    family: "times",
    fontSize: 12,
    leading: 1.85,
    footer: (page, pages) => [{ text: `Affidavit of Custodian, page ${page} of ${pages}`, align: "center" }],
  });
  t.row(["STATE OF ALDERMOOR", ")"], [0, 190]);
  t.row([") ss."], [190]);
  t.row(["COUNTY OF WESTHAVEN", ")"], [0, 190], { after: 16 });
  t.paragraph("AFFIDAVIT OF CUSTODIAN OF RECORDS", { style: "bold", align: "center", after: 14 });
  t.paragraph("The undersigned, being first duly sworn, states:", { firstIndent: 36 });
  [
    `I am the records manager of Ostrander Mills Company and have held that post since October 1, 2016. I am over eighteen
    years of age and make this affidavit from personal knowledge.`,
    `In my work I have custody of the company’s shipping records, which are kept in the ordinary course of business in
    the archive at 15 Weir Street and, since 2020, also in electronic form.`,
    `On August 11, 2025 I received a subpoena that asks for bills of lading of the months of May, June and July 2023. I
    searched the archive on August 13 and 14, with the help of two clerks.`,
    `We found 1,284 bills of lading in nineteen boxes. Each was made at or near the time of the shipment by a person with
    knowledge of it. It is the regular practice of the company to make and keep such records.`,
    `Box 12 had been damaged by water. Sixty-three sheets in it could be separated and copied; eleven could not be read and
    are listed in Schedule 1 by number and date.`,
    `The copies delivered with this affidavit, numbered OMC 00001 to OMC 01273, are true and complete copies of the
    originals, except for the eleven sheets named in paragraph 5.`,
    `No record that answers the subpoena has been withheld, and none has been destroyed to my knowledge since the company
    learned of this action on February 20, 2025.`,
    `The retention period for bills of lading is seven years under § 8 of the company’s records policy. The period for the
    records in question will end on July 31, 2030, and I have marked the boxes so that they are not destroyed then
    without the approval of counsel.`,
  ].forEach((text, i) => {
    t.paragraph(`${i + 1}. ${text}`, { firstIndent: 36 });
  });
  t.paragraph("FURTHER AFFIANT SAYETH NOT.", { style: "bold", firstIndent: 36, after: 30 });
  t.paragraph("______________________________", { indent: 200, after: 2 });
  t.paragraph("Records Manager", { indent: 200, after: 20 });
  t.paragraph("Subscribed and sworn to before me on September 5, 2025.", { after: 28 });
  t.paragraph("______________________________", { after: 2 });
  t.paragraph("Notary Public. My commission expires 06/30/2028.");
  return t;
}

/** What a bad OCR program once made of it: the kind of hidden text that must not be believed. */
export const badHiddenText = [
  [
    "5TATE 0F ALDERM0OR ) ) s5. C0UNTV 0F WE5THAVEN )",
    "AFF1DAV1T 0F CU5T0D1AN 0F REC0RD5",
    "Tlne umdersigmed, beimg fjrst dnly sworm, 5tates:",
    "l. l arn tlne rec0rds rnanager ot 0strander M1lls Conpany amd lnave lneld tlnat p05t",
    "simce 0ct0ber l, 2O16. l arn ower ejglnteem yearz ot age amd rnake tlnjs atfjdavjt",
    "tr0rn pers0mal km0wledge. 2. lm rny w0rk l lnawe cust0dy ot tlne c0rnpamy s slnjppjmg",
    "rec0rds, wlnjclm are kept jm tlne 0rdjmary c0urse 0t busjmess jm tlne arclnjwe at l5",
    "Wejr 5treet amd, sjmce 2O2O, als0 jm electr0mjc t0rrn. ~~ '' ,. ;: |l |l1I ..",
    "3. 0m Augnst ll, 2O25 l recejwed a subp0ema tlnat asks t0r bjlls 0t ladjmg 0t tlne",
    "rn0mtlns 0t May, Jume amd July 2O23. l searclned tlne arclnjwe 0m Augnst l3 amd l4,",
    "wjtlm tlne lnelp 0t tw0 clerks. 4. We t0umd l,284 bjlls 0t ladjmg jm mjmeteem b0xes.",
    "Eaclm was rnade at 0r mear tlne tjrne 0t tlne slnjprnemt by a pers0m wjtlm km0wledge",
  ],
  [
    "b0x l2 lnad beem darnaged by water. 5jxty-tlnree slneets jm jt c0uld be separated",
    "amd c0pjed; elewem c0uld m0t be read amd are ljsted jm 5clnedule l by mumber amd date.",
    "Tlne c0pjes deljwered wjtlm tlnjs atfjdavjt, murnbered 0MC OOOOl t0 0MC Ol273, are true",
    "amd c0rnplete c0pjes 0t tlne 0rjgjmals, except t0r tlne elewem slneets marned jm",
    "pa?agra@h 5. ~ N0 rec0rd tlnat amswers tlne subp0ema lnas beem wjtlnlneld, amd m0me",
    "lnas beem destr0yed t0 rny km0wledge sjmce tlne c0rnpamy learmed 0t tlnjs actj0m",
    "0m Febrnary 2O, 2O25. |||| .-. FURTHEB AFF1ANT 5AYETH N0T. __ --- '",
  ],
];
