// @ts-check
import { letter, Typesetter } from "../typesetter.mjs";

/** A page of a law journal in two columns, Times 10.5. */
export async function article() {
  const t = await Typesetter.create({
    size: letter,
    margins: { top: 74, right: 62, bottom: 72, left: 62 },
    family: "times",
    fontSize: 10.5,
    leading: 1.28,
    columns: 2,
    align: "justify",
    header: () => [{ text: "THE ALDERMOOR LAW QUARTERLY" }, { text: "Vol. 61, No. 2", align: "right" }],
    footer: () => [{ text: "143", align: "center" }],
  });
  const heading = (/** @type {string} */ text) => t.paragraph(text, { style: "bold", align: "left", keep: 50 });
  heading("NOTES: The Duty to Keep Ordinary Records");
  t.paragraph(
    `Courts have long asked what a party must keep once a lawsuit is in sight. They have asked less often what it should
    have kept before. This note looks at forty decisions of the last decade and argues that the second question has
    quietly been answered.`,
  );
  heading("I. The rule as it is told");
  t.paragraph(
    `The rule is usually told in one sentence: a party that reasonably expects litigation must preserve what is relevant to
    it. The sentence hides two clocks. One starts with the event, the other with the knowledge of a claim. In
    twenty-three of the forty decisions the second clock was found to have started within a week of the first.`,
  );
  t.paragraph(
    `Where an organisation has a schedule for destroying records, the schedule itself is seldom blamed. What is blamed is
    that nobody could stop it. A schedule without a switch, as one judge put it, is “a bonfire with a calendar”.`,
  );
  heading("II. What was lost");
  t.paragraph(
    `Of the losses described in the opinions, seventeen concerned electronic mail, nine concerned paper files held by
    storage companies, and six concerned telephones that were traded in. The remaining eight were of many kinds, from a
    whiteboard to a box of broken bolts.`,
  );
  t.paragraph(
    `Paper was lost most often by moving house. Boxes were counted when they left and not when they arrived. In no case did
    the inventory list what was in a box; in most it gave a number, a year and a department.`,
  );
  heading("III. A modest proposal");
  t.paragraph(
    `An index is cheap. A firm that can say what a box or a disk contains can also say, years later, whether something is
    missing from it, and that is often all that a court wants to know. The costs that parties complain of come from
    looking for things, not from having kept them.`,
  );
  t.paragraph(
    `The proposal of this note is therefore modest: that the comments to § 37 of the code treat a current index as evidence
    of good faith, and the want of one as a fact that the other side may prove. Nothing more is needed. Sanctions would
    remain what they are, and so would the standard of intent.`,
  );
  t.paragraph(
    `Two objections may be expected. The first is that small parties keep no index of anything. That is so, and the
    comment should say that what is reasonable depends on size. The second is that an index can itself be searched, and
    so invites requests. But a request that can be answered in an hour is no burden.`,
  );
  heading("IV. Conclusion");
  t.paragraph(
    `The forty decisions do not speak with one voice. Yet in thirty-one of them the party that knew what it had once held
    came off better than the party that did not, whatever had become of the thing itself. Lawyers might tell their
    clients so before the next move.`,
  );
  return t;
}
