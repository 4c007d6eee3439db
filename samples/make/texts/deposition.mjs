// @ts-check
import { letter, Typesetter } from "../typesetter.mjs";

/** A transcript, three pages: Courier 12. */
export async function deposition() {
  const t = await Typesetter.create({
    size: letter,
    margins: { top: 90, right: 84, bottom: 90, left: 96 },
    family: "courier",
    fontSize: 12,
    leading: 2,
    header: (page) => [
      { text: "Bellhaven v. Dunmere" },
      { text: `Deposition of the Dock Master, page ${page + 40}`, align: "right" },
    ],
    footer: () => [{ text: "Saltmarsh Court Reporting", align: "center" }],
  });
  const lines = [
    "EXAMINATION BY COUNSEL FOR PLAINTIFF",
    "Q. Please state how long you have worked at Dry Dock No. 3.",
    "A. Since April of 2011. First as a rigger, and from 2018 as dock master.",
    "Q. What are the duties of the dock master?",
    "A. I plan the dockings, I see to the blocks, and I sign the pump sheets every morning.",
    "Q. I show you what has been marked as Exhibit 9. Do you recognize it?",
    "A. Yes. That is the pump sheet for the week of November 18, 2024.",
    "Q. Whose initials are in the column for the 20th?",
    "A. Nobody's. That column is empty.",
    "Q. Should it be empty?",
    "MS. TREVANION: Objection to form. You may answer.",
    "A. No. I was on leave that week. The relief man was supposed to do it.",
    "Q. Did anyone tell the relief man about pump 2?",
    "A. There was a red tag on the switch. It had been there since September.",
    "Q. So for about ten weeks the dock was worked with a single pump?",
    "A. With a single main pump. We also had a portable one, six inches, on loan from the shipyard next door.",
    "Q. Where was the portable pump on the night of November 21?",
    "A. I was told later that it had gone back on the 15th.",
    "Q. Was it replaced?",
    "A. I asked for that. I wrote to the office on October 3 and again on October 30.",
    "Q. Did you receive an answer?",
    "A. To the first one, yes. They said it would have to wait for the new budget.",
    "Q. Do you still have that answer?",
    "A. It was an electronic message. I printed it. It should be in the blue binder in my office.",
    "MR. HALLORAN: We call for production of the binder.",
    "MS. TREVANION: Put it in writing and we will take it under advisement.",
    "Q. How is a gate seal inspected?",
    "A. You drain the sill and walk along it with a lamp. You look for cuts and for places where the rubber is hard. It takes two men about three hours.",
    "Q. When was that last done before the accident?",
    "A. In the log it says August 2. That is the last one I know of.",
    "Q. In your experience, how long does a seal last?",
    "A. Eight to ten years. This one was put in in 2012.",
    "(Recess from 11:05 a.m. to 11:20 a.m.)",
    "Q. Before the recess you said the seal dated from 2012. Did you ever ask for a new one?",
    "A. It was on my list for three years running. It cost about $27,000.",
    "Q. Thank you. I have no further questions at this time.",
  ];
  for (const line of lines) {
    const speech = /^[QA]\. /.test(line);
    if (speech) t.clause(line.slice(0, 2), line.slice(3), { hang: 36, after: 4 });
    else t.paragraph(line, { indent: line.startsWith("EXAM") ? 0 : 36, after: 4 });
  }
  return t;
}
