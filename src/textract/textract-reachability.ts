import { lookup } from "node:dns/promises";
import { createConnection } from "node:net";
import { DocketError, type Failure } from "../contract/failures.ts";
import { servedRegions } from "./quotas.ts";

const answerMilliseconds = 5000;
const rememberMilliseconds = 5 * 60_000;

/**
 * Whether Textract can be reached in a region: its endpoint's name resolves (AWS has one for each region that serves
 * it) and a connection is accepted. An answer is remembered for five minutes, a failure is not.
 * @returns a function that answers null, or the failure: `TextractUnavailableInRegion`
 * @throws {DocketError} `TextractUnavailable` from that function when the name resolves but nothing answers: that
 *   passes, and is tried again
 */
export function textractReachability(options: {
  endpoint: string | undefined;
  /** The one region that an endpoint other than AWS' own serves. */
  endpointRegion: string;
}): (region: string) => Promise<Failure | null> {
  const reachedAt = new Map<string, number>();
  return async (region) => {
    if (Date.now() - (reachedAt.get(region) ?? Number.NEGATIVE_INFINITY) < rememberMilliseconds) return null;
    if (options.endpoint !== undefined && region !== options.endpointRegion) {
      const message = `The Textract at ${options.endpoint} serves ${options.endpointRegion}, not ${region}.`;
      return new DocketError("TextractUnavailableInRegion", message).toFailure();
    }
    const suffix = region.startsWith("cn-") ? "amazonaws.com.cn" : "amazonaws.com";
    const url = new URL(options.endpoint ?? `https://textract.${region}.${suffix}`);
    try {
      await lookup(url.hostname.replace(/^\[|\]$/g, ""));
    } catch (cause) {
      const code = (cause as NodeJS.ErrnoException).code;
      // A region that is known to have Textract has not lost it: this machine's network is down.
      if (code !== "ENOTFOUND" || servedRegions.has(region)) {
        throw new DocketError("TextractUnavailable", `The name ${url.hostname} could not be looked up: ${code}`, {
          cause,
        });
      }
      return new DocketError(
        "TextractUnavailableInRegion",
        `Textract has no endpoint in ${region} (${url.hostname}).`,
      ).toFailure();
    }
    await connects(url);
    reachedAt.set(region, Date.now());
    return null;
  };
}

function connects(url: URL): Promise<void> {
  const port = Number(url.port || (url.protocol === "http:" ? 80 : 443));
  return new Promise((resolve, reject) => {
    const socket = createConnection({ host: url.hostname.replace(/^\[|\]$/g, ""), port, timeout: answerMilliseconds });
    const fail = (why: string) => {
      socket.destroy();
      reject(new DocketError("TextractUnavailable", `Textract at ${url.host} does not answer: ${why}`));
    };
    socket.once("connect", () => {
      socket.destroy();
      resolve();
    });
    socket.once("timeout", () => fail(`no connection in ${answerMilliseconds} ms`));
    socket.once("error", (error) => fail(error.message));
  });
}
