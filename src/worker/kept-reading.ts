/**
 * A reading that several gauges share: taken at most once in a while, and given up after a time, so that metrics are
 * answered although a service does not answer.
 * @returns a function that gives the reading; null: it failed or took too long
 */
export function keptReading<T>(
  read: () => Promise<T>,
  { keepMilliseconds, answerMilliseconds }: { keepMilliseconds: number; answerMilliseconds: number },
): () => Promise<T | null> {
  let kept: { at: number; value: Promise<T | null> } | undefined;
  return () => {
    const now = performance.now();
    if (kept === undefined || now - kept.at > keepMilliseconds) {
      const value = withinTime(read(), answerMilliseconds).catch(() => null);
      kept = { at: now, value };
      // What failed is tried again by the next request, not kept.
      void value.then((result) => {
        if (result === null && kept?.value === value) kept = undefined;
      });
    }
    return kept.value;
  };
}

function withinTime<T>(work: Promise<T>, milliseconds: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error("no answer in time")), milliseconds);
  });
  return Promise.race([work, late]).finally(() => clearTimeout(timer));
}
