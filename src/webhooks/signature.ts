import { createHmac } from "node:crypto";

const prefix = "whsec_";

/**
 * Signs a post as the Standard Webhooks specification has it: HMAC-SHA256 over id, time and body.
 * @param message.seconds Unix time of this try
 * @returns the value of the header `webhook-signature`
 */
export function signatureOf(secret: string, message: { id: string; seconds: number; body: string }): string {
  const { id, seconds, body } = message;
  const hmac = createHmac("sha256", Buffer.from(secret.slice(prefix.length), "base64"));
  return `v1,${hmac.update(`${id}.${seconds}.${body}`).digest("base64")}`;
}

/** Whether a text is a secret that posts can be signed with: `whsec_` and 24 to 64 bytes in base64. */
export function isWebhookSecret(text: string): boolean {
  if (!/^whsec_[A-Za-z0-9+/]+={0,2}$/.test(text)) return false;
  const { length } = Buffer.from(text.slice(prefix.length), "base64");
  return length >= 24 && length <= 64;
}
