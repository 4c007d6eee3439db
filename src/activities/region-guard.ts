import { Context } from "@temporalio/activity";
import { DocketError, type FailureType } from "../contract/failures.ts";
import {
  look,
  lookAgainIn,
  recordFailure,
  recordSuccess,
  regionBreaker,
  takeProbe,
} from "../database/circuit-breakers.ts";
import { byDriver, type Database } from "../database/client.ts";
import type { GetRequest, TextractApi } from "../textract/textract-api.ts";
import { NotYet } from "./not-yet.ts";
import type { QuotaGovernor } from "./quota-governor.ts";

// What says that the service or our access to it is down, rather than that a document is bad or the rate too high.
const countsAgainstRegion = new Set<FailureType>(["TextractUnavailable", "AccessDenied"]);
const rules = { threshold: 5, openMilliseconds: 15_000 };

/** A look at a job holds a worker's slot for this long at most before its turn; milliseconds. */
const lookWaitMilliseconds = 3000;

interface Ports {
  database: Database;
  textract: { inRegion(region: string): TextractApi };
  governor: QuotaGovernor;
}

/**
 * Textract behind the breaker of its region and the quota governor, both shared by all workers through the database.
 * While the breaker is open or a quota is used up, a call is "not yet": it costs no attempt and does not reach Textract.
 */
export function guardedTextract(ports: Ports): { inRegion(region: string): TextractApi } {
  const { database, governor } = ports;
  return {
    inRegion(region) {
      const api = ports.textract.inRegion(region);
      const guardedGet = async <T>({ features }: GetRequest, call: () => Promise<T>): Promise<T> => {
        const analysis = features.length > 0;
        // What tells the server that it is alive may wait for its turn however long the line is.
        const patient = Context.current().info.heartbeatTimeoutMs !== undefined;
        const turn = () => governor.admitGet(region, analysis, patient ? longestTurn : lookWaitMilliseconds);
        try {
          return await throughBreaker(database, region, turn, call);
        } catch (error) {
          if (isTyped(error, "TextractThrottled"))
            await governor.throttled(region, analysis ? "getAnalysis" : "getText");
          throw error;
        }
      };
      return {
        async start(request) {
          const analysis = request.features.length > 0;
          const start = { region, token: request.token, analysis, priority: priorityOfActivity() };
          const turn = () => governor.admitStart(start);
          try {
            return await throughBreaker(database, region, turn, () => api.start(request));
          } catch (error) {
            if (isTyped(error, "TextractNoSlot")) await governor.slotRefused(start);
            if (isTyped(error, "TextractThrottled")) {
              await governor.throttled(region, analysis ? "startAnalysis" : "startText");
            }
            throw error;
          }
        },
        get: (request) => guardedGet(request, () => api.get(request)),
        getBody: (request) => guardedGet(request, () => api.getBody(request)),
      };
    },
  };
}

/** No line of requests that worker slots wait for is longer. Milliseconds. */
const longestTurn = 600_000;

/** The document's priority, which its activities carry; 3 where the server does not tell. */
function priorityOfActivity(): number {
  const priority = Context.current().info.priority?.priorityKey ?? 3;
  return Math.min(5, Math.max(1, priority));
}

/** What Textract itself said, not the governor. */
function isTyped(error: unknown, type: FailureType): boolean {
  return error instanceof DocketError && error.type === type && !(error instanceof NotYet);
}

/**
 * The breaker is looked at first, so that nobody waits in line for a service that is down; a probe is taken last, so
 * that it is not wasted on waiting.
 * @param turn takes the turn; milliseconds to wait before the call
 */
async function throughBreaker<T>(
  database: Database,
  region: string,
  turn: () => Promise<number>,
  call: () => Promise<T>,
): Promise<T> {
  const name = regionBreaker(region);
  const seen = await look(byDriver(database), name);
  if (seen.state !== "closed" && seen.waitMilliseconds > 0) throw open(name, lookAgainIn(seen), seen.lastError);
  const wait = await turn();
  if (wait > 0) await Context.current().sleep(wait);
  if (seen.state !== "closed") {
    const probe = await takeProbe(database, name);
    if (!probe.allowed) throw open(name, lookAgainIn({ ...probe, state: "half-open" }), probe.lastError);
  }
  try {
    const result = await call();
    // Where nothing has failed there is nothing to forget.
    if (seen.state !== "closed" || seen.failures > 0) await recordSuccess(database, name);
    return result;
  } catch (error) {
    const counts = error instanceof DocketError && countsAgainstRegion.has(error.type);
    if (counts) await recordFailure(database, name, rules, error.message);
    // Textract answered, if only to refuse: it is there.
    else await recordSuccess(database, name);
    throw error;
  }
}

function open(name: string, waitMilliseconds: number, lastError: string): NotYet {
  return new NotYet("BreakerOpen", `The breaker ${name} is open; the last error was: ${lastError}`, waitMilliseconds);
}
