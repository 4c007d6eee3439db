import { heartbeat } from "@temporalio/activity";

const everyMilliseconds = 3000;

/**
 * Tells the server every few seconds that the work goes on, so that the death of a worker is noticed within the
 * heartbeat time-out and not only when the whole step is due.
 * @param details what a retry will find as the last heartbeat
 */
export async function stayAlive<T>(work: () => Promise<T>, details: () => unknown = () => undefined): Promise<T> {
  const timer = setInterval(() => heartbeat(details()), everyMilliseconds);
  try {
    return await work();
  } finally {
    clearInterval(timer);
  }
}
