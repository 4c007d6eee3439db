/** A reading that has not come back by then is on a connection that is dead: another one may begin. Milliseconds. */
const lostMilliseconds = 60_000;

/**
 * A reading that several gauges share: taken at most once in a while, and waited for only for a time, so that metrics are
 * answered although a service does not answer. None is begun while the one before is still under way: a service that is
 * slow does not get more to do with every request. One that comes late is kept for the requests that follow.
 * @returns a function that gives the reading; null: it failed or took too long
 */
export function keptReading<T>(
  read: () => Promise<T>,
  { keepMilliseconds, answerMilliseconds }: { keepMilliseconds: number; answerMilliseconds: number },
): () => Promise<T | null> {
  let kept: { at: number; value: Promise<T | null> } | undefined;
  let underWay: { since: number; reading: Promise<T> } | undefined;

  function begin(now: number): Promise<T> {
    const begun = { since: now, reading: read() };
    underWay = begun;
    const ended = () => {
      if (underWay === begun) underWay = undefined;
    };
    begun.reading.then((value) => {
      ended();
      kept ??= { at: performance.now(), value: Promise.resolve(value) };
    }, ended);
    return begun.reading;
  }

  return () => {
    const now = performance.now();
    if (kept === undefined || now - kept.at > keepMilliseconds) {
      const isLost = underWay !== undefined && now - underWay.since > lostMilliseconds;
      const reading = underWay === undefined || isLost ? begin(now) : underWay.reading;
      const value = withinTime(reading, answerMilliseconds).catch(() => null);
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
