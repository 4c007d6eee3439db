/** When jobs are looked at; all in milliseconds. */
export interface PollDelays {
  /** Between the first looks at a job. */
  pollMinMilliseconds: number;
  /** Where the growth from look to look ends. */
  pollMaxMilliseconds: number;
  /** Until the first look that a job whose end is notified needs: its notification may be lost. */
  notifiedPollMilliseconds: number;
  /** Longest time between two such looks. */
  notifiedPollMaxMilliseconds: number;
}

/** Of the time that a job took so far, this part may be waited for once more: it is late by no more than that. */
const partOfAge = 1 / 20;
/** Of a job however old. Milliseconds. */
const mostByAge = 600_000;

/**
 * How long to wait before looking at a job again, milliseconds. Grows by half with every look, so that short jobs are
 * seen soon and long ones cost few requests: Textract's own quota allows one look at each of its 600 concurrent jobs
 * about every 24 seconds (25 Gets a second in the largest regions). Of a job that takes for hours a twentieth of its age
 * is waited, ten minutes at most.
 * @param look 1 for the first
 * @param ageMilliseconds since the job is waited for
 */
export function pollDelay(
  look: number,
  ageMilliseconds: number,
  { pollMinMilliseconds, pollMaxMilliseconds }: Pick<PollDelays, "pollMinMilliseconds" | "pollMaxMilliseconds">,
): number {
  const grown = Math.min(pollMaxMilliseconds, pollMinMilliseconds * 1.5 ** Math.min(look - 1, 60));
  return Math.round(Math.max(grown, Math.min(mostByAge, ageMilliseconds * partOfAge)));
}

/**
 * The same for a job whose end is notified. Doubles with every look, so that a job whose notification is lost is found
 * before it is twice as old, and one that takes for days costs a look an hour.
 * @param look 1 for the first
 */
export function notifiedPollDelay(
  look: number,
  {
    notifiedPollMilliseconds,
    notifiedPollMaxMilliseconds,
  }: Pick<PollDelays, "notifiedPollMilliseconds" | "notifiedPollMaxMilliseconds">,
): number {
  const grown = notifiedPollMilliseconds * 2 ** Math.min(look - 1, 60);
  return Math.max(notifiedPollMilliseconds, Math.min(notifiedPollMaxMilliseconds, grown));
}
