import { createHash, timingSafeEqual } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { Sha256 } from "@aws-crypto/sha256-js";
import { SignatureV4 } from "@smithy/signature-v4";
import { TextractError } from "./textract-error.ts";

/** Keys that callers may sign with. */
export interface AcceptedCredentials {
  accessKeyId: string;
  secretAccessKey: string;
  /** Set for temporary credentials; requests must then carry it. */
  sessionToken?: string | undefined;
}

const hashHeader = "x-amz-content-sha256";
/** Difference between the caller's clock and ours that AWS allows. */
const skewMilliseconds = 5 * 60 * 1000;

interface Authorization {
  accessKeyId: string;
  date: string;
  region: string;
  service: string;
  signedHeaders: string[];
  signature: string;
}

/**
 * Checks Signature Version 4 by signing the request again with the key that it names and comparing.
 * The sentences of the errors are those of AWS services.
 */
export function createSignatureVerifier(options: {
  region: string;
  /** As it stands in a signature's scope. */
  service: "textract" | "sqs";
  credentials: readonly AcceptedCredentials[];
}) {
  const signers = new Map(
    options.credentials.map((credentials) => {
      const { accessKeyId, secretAccessKey } = credentials;
      const signer = new SignatureV4({
        credentials: { accessKeyId, secretAccessKey },
        region: options.region,
        service: options.service,
        sha256: Sha256,
        applyChecksum: false,
      });
      return [accessKeyId, { signer, sessionToken: credentials.sessionToken }];
    }),
  );

  /** @throws {TextractError} naming what is wrong with the signature */
  return async function verify(request: IncomingMessage, body: Buffer): Promise<void> {
    const authorization = parseAuthorization(request.headers.authorization);
    const known = signers.get(authorization.accessKeyId);
    const token = request.headers["x-amz-security-token"];
    if (known === undefined || known.sessionToken !== token) {
      throw new TextractError("UnrecognizedClientException", "The security token included in the request is invalid.");
    }
    const longDate = String(request.headers["x-amz-date"] ?? "");
    const signingDate = parseDate(longDate);
    checkScope(authorization, longDate, options);
    checkClock(longDate, signingDate);

    const bodyHash = createHash("sha256").update(body).digest("hex");
    const stated = request.headers[hashHeader];
    const [path = "/", query = ""] = (request.url ?? "/").split("?");
    const headers: Record<string, string> = { [hashHeader]: bodyHash };
    for (const name of authorization.signedHeaders) {
      const value = request.headers[name];
      if (value !== undefined) headers[name] = Array.isArray(value) ? value.join(",") : value;
    }
    const signed = await known.signer.sign(
      {
        method: request.method ?? "POST",
        protocol: "http:",
        hostname: "127.0.0.1",
        path,
        query: parseQuery(query),
        headers,
        body: undefined,
      },
      {
        signingDate,
        // Headers that proxies may change are signed only where the caller did so itself.
        signableHeaders: new Set(authorization.signedHeaders),
        unsignableHeaders: new Set(authorization.signedHeaders.includes(hashHeader) ? [] : [hashHeader]),
      },
    );
    const expected = /Signature=([0-9a-f]+)$/.exec(signed.headers["authorization"] ?? "")?.[1] ?? "";
    const complete = ["host", "x-amz-date"].every((name) => authorization.signedHeaders.includes(name));
    if (!complete || (stated !== undefined && stated !== bodyHash) || !same(expected, authorization.signature)) {
      throw new TextractError(
        "InvalidSignatureException",
        "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access " +
          "Key and signing method. Consult the service documentation for details.",
      );
    }
  };
}

function parseAuthorization(header: string | undefined): Authorization {
  if (header === undefined || header === "") {
    throw new TextractError("MissingAuthenticationTokenException", "Missing Authentication Token");
  }
  const [algorithm, ...rest] = header.split(" ");
  const parts = new Map(
    rest
      .join(" ")
      .split(",")
      .map((part) => {
        const at = part.indexOf("=");
        return [part.slice(0, at).trim(), part.slice(at + 1).trim()] as const;
      }),
  );
  const missing = ["Credential", "SignedHeaders", "Signature"].filter((name) => !parts.get(name));
  const [accessKeyId, date, region, serviceName, end] = (parts.get("Credential") ?? "").split("/");
  if (algorithm !== "AWS4-HMAC-SHA256" || missing.length > 0 || end !== "aws4_request") {
    const why = missing.map((name) => `Authorization header requires '${name}' parameter.`).join(" ");
    throw new TextractError("IncompleteSignatureException", why || "Authorization header is not of AWS4-HMAC-SHA256.");
  }
  return {
    accessKeyId: accessKeyId ?? "",
    date: date ?? "",
    region: region ?? "",
    service: serviceName ?? "",
    signedHeaders: (parts.get("SignedHeaders") ?? "").toLowerCase().split(";"),
    signature: parts.get("Signature") ?? "",
  };
}

function parseDate(longDate: string): Date {
  const parts = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(longDate)?.slice(1).map(Number);
  if (parts === undefined) {
    throw new TextractError("IncompleteSignatureException", "The request has no valid 'X-Amz-Date' header.");
  }
  const [year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0] = parts;
  return new Date(Date.UTC(year, month - 1, day, hour, minute, second));
}

function checkScope(
  authorization: Authorization,
  longDate: string,
  { region, service }: { region: string; service: string },
): void {
  const refuse = (message: string) => new TextractError("InvalidSignatureException", message);
  if (authorization.region !== region) {
    throw refuse(`Credential should be scoped to a valid region, not '${authorization.region}'.`);
  }
  if (authorization.service !== service) throw refuse(`Credential should be scoped to correct service: '${service}'.`);
  if (authorization.date !== longDate.slice(0, 8)) {
    throw refuse(`Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP`);
  }
}

function checkClock(longDate: string, signingDate: Date): void {
  const difference = signingDate.getTime() - Date.now();
  if (Math.abs(difference) <= skewMilliseconds) return;
  const now = new Date().toISOString().replace(/[-:]|\.\d+/g, "");
  const what = difference < 0 ? "Signature expired: " : "Signature not yet current: ";
  const order = difference < 0 ? "earlier" : "later";
  throw new TextractError("InvalidSignatureException", `${what}${longDate} is now ${order} than ${now} (5 min.)`);
}

function parseQuery(query: string): Record<string, string | string[]> {
  const parameters: Record<string, string | string[]> = {};
  const names = new Set(new URLSearchParams(query).keys());
  for (const name of names) parameters[name] = new URLSearchParams(query).getAll(name);
  return parameters;
}

function same(left: string, right: string): boolean {
  return left.length === right.length && timingSafeEqual(Buffer.from(left), Buffer.from(right));
}
