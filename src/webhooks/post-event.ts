import { request as requestHttp } from "node:http";
import { request as requestHttps } from "node:https";
import { type BlockList, isIP, type LookupFunction } from "node:net";
import { DocketError } from "../contract/failures.ts";
import { resolveName } from "./resolve-name.ts";
import { signatureOf } from "./signature.ts";
import { judgeAddress } from "./target-address.ts";

/** Longest time for one post, milliseconds. */
const postMilliseconds = 15_000;

const mostAnswerBytes = 65_536;

export interface EventPost {
  url: string;
  secret: string;
  /** The same for every try of one event. */
  id: string;
  /** A CloudEvents 1.0 event in its JSON format. */
  body: string;
  /** Networks that are not public and may be posted to all the same. */
  allowed: BlockList;
  signal: AbortSignal;
}

/**
 * Posts a signed event. The name is resolved here, and the connection goes to the very address that was judged: a name
 * that answers differently the second time leads nowhere else. Redirects are not followed.
 * @param milliseconds longest time for the post, and for what the receiver says beyond its status
 * @returns the HTTP status, 200 to 299
 * @throws {DocketError} `WebhookRefused` for an address that is not allowed and for 410; `WebhookUnanswered` otherwise
 */
export async function postEvent(post: EventPost, milliseconds = postMilliseconds): Promise<number> {
  const url = new URL(post.url);
  const name = nameOf(url);
  const literal = url.hostname.replace(/^\[|\]$/g, "");
  // Node.js resolves no address that is one already.
  if (isIP(literal) !== 0) requireAllowed(url, literal, post.allowed);
  const status = await send(url, post, milliseconds).catch((error: Error) => {
    if (error instanceof DocketError || post.signal.aborted) throw error;
    const { code, name: kind } = error as NodeJS.ErrnoException;
    throw new DocketError("WebhookUnanswered", `The webhook ${name} does not answer: ${code ?? kind}.`, {
      cause: error,
    });
  });
  if (status >= 200 && status < 300) return status;
  if (status === 410)
    throw new DocketError("WebhookRefused", `The webhook ${name} answers 410: it wants no more posts.`);
  throw new DocketError("WebhookUnanswered", `The webhook ${name} answers ${status}.`);
}

function send(
  url: URL,
  { secret, id, body, allowed, signal: cancelled }: EventPost,
  milliseconds: number,
): Promise<number> {
  // Held by its timer. Node.js 20 collects an AbortSignal.timeout() that only AbortSignal.any() knows, and never fires it.
  const late = new AbortController();
  const signal = AbortSignal.any([cancelled, late.signal]);
  const seconds = Math.floor(Date.now() / 1000);
  const request = url.protocol === "https:" ? requestHttps : requestHttp;
  return new Promise((done, fail) => {
    const sent = request(
      url,
      {
        method: "POST",
        agent: false,
        lookup: judgedLookup(url, allowed, signal),
        signal,
        headers: {
          "content-type": "application/cloudevents+json; charset=utf-8",
          "content-length": Buffer.byteLength(body),
          "user-agent": "docket",
          "webhook-id": id,
          "webhook-timestamp": seconds,
          "webhook-signature": signatureOf(secret, { id, seconds, body }),
        },
      },
      (response) => {
        // What the receiver says beyond its status is of no use, and is not read for long.
        let bytes = 0;
        response.on("error", () => {});
        response.on("data", (chunk: Buffer) => {
          bytes += chunk.length;
          if (bytes > mostAnswerBytes) response.destroy();
        });
        done(response.statusCode ?? 0);
      },
    );
    // Nothing was upgraded; without a listener Node.js ends the connection, and tells neither a response nor an error.
    sent.once("upgrade", (response, socket) => {
      socket.destroy();
      done(response.statusCode ?? 0);
    });
    const timer = setTimeout(() => late.abort(tooLate(url, milliseconds)), milliseconds);
    sent.on("error", (error) => fail(late.signal.aborted ? late.signal.reason : error));
    sent.once("close", () => {
      clearTimeout(timer);
      fail(Object.assign(new Error("closed without an answer"), { code: "ECONNRESET" }));
    });
    sent.end(body);
  });
}

function tooLate(url: URL, milliseconds: number): DocketError {
  const message = `The webhook ${nameOf(url)} does not answer within ${milliseconds / 1000} s.`;
  return new DocketError("WebhookUnanswered", message);
}

/** How messages name a receiver: what it is asked for may be a secret. */
function nameOf(url: URL): string {
  return `${url.origin}${url.pathname}`;
}

/** Resolves a name, and gives the connection none of the addresses unless all of them are allowed. */
function judgedLookup(url: URL, allowed: BlockList, signal: AbortSignal): LookupFunction {
  const judged = async (hostname: string) => {
    const addresses = await resolveName(hostname, signal);
    for (const { address } of addresses) requireAllowed(url, address, allowed);
    return addresses;
  };
  return (hostname, options, callback) => {
    judged(hostname).then(
      (addresses) => {
        const [first] = addresses;
        if (options.all === true || first === undefined) callback(null, addresses);
        else callback(null, first.address, first.family);
      },
      (error) => callback(error, []),
    );
  };
}

function requireAllowed(url: URL, address: string, allowed: BlockList): void {
  const judgement = judgeAddress(address, allowed);
  if (judgement === "refused") {
    throw new DocketError("WebhookRefused", `The webhook ${url.origin} leads to ${address}, which is not public.`);
  }
  if (judgement === "public" && url.protocol !== "https:") {
    throw new DocketError("WebhookRefused", `The webhook ${url.origin} is not encrypted.`, {
      remedy: "Use an https:// address; http:// is for networks that DOCKET_WEBHOOK_NETWORKS names.",
    });
  }
}
