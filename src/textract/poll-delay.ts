/**
 * How long to wait before looking at a job again, milliseconds. Grows by half with every look, so that short jobs are
 * seen soon and long ones cost few requests: Textract's own quota allows one look at each of its 600 concurrent jobs
 * about every 24 seconds (25 Gets a second in the largest regions).
 * @param look 1 for the first
 */
export function pollDelay(look: number, minimum: number, maximum: number): number {
  return Math.min(maximum, Math.round(minimum * 1.5 ** Math.min(look - 1, 60)));
}
