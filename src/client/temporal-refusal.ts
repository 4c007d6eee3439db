import { DocketError } from "../contract/failures.ts";

// gRPC's codes of what stays refused until somebody changes something.
const [notFound, permissionDenied, unauthenticated] = [5, 7, 16];

/** Workers connect by a library that tells the code in words. */
const coreWords: [RegExp, number][] = [
  [/code: '?NotFound/, notFound],
  [/code: '?(PermissionDenied|The caller does not have permission)/, permissionDenied],
  [/code: '?(Unauthenticated|The request does not have valid authentication credentials)/, unauthenticated],
];

/**
 * What Temporal refuses for as long as the settings and the rights are what they are: a namespace that it does not know,
 * credentials that it does not take, or that may not do what was asked.
 * @param error of Temporal's client or worker, with gRPC's own error among its causes
 * @returns null for everything else
 */
export function temporalRefusal(error: unknown): DocketError | null {
  for (let at = error, depth = 0; at instanceof Error && depth < 5; at = at.cause, depth++) {
    if (at.name === "NamespaceNotFoundError") return unknownNamespace(at.message, error);
    const [code, words] = answerOf(at);
    // Other things that are not found are named before the namespace that they are not found in.
    if (code === notFound && /namespace\b.*\bnot found/i.test(words)) return unknownNamespace(words, error);
    if (code === permissionDenied || code === unauthenticated) return notAllowed(words, error);
  }
  return null;
}

/** gRPC's code and the server's sentence; null where it is no answer of a server's. */
function answerOf(error: Error): [number | null, string] {
  const { code, details, message } = error as Error & { code?: unknown; details?: unknown };
  // Numbers are exit codes elsewhere; gRPC's come with the server's sentence, or with room for it.
  if (typeof code === "number" && typeof details === "string") return [code, details || message];
  const known = coreWords.find(([words]) => words.test(message));
  return [known?.[1] ?? null, /message: "([^"]*)"/.exec(message)?.[1] ?? message];
}

function unknownNamespace(words: string, cause: unknown): DocketError {
  return new DocketError("InvalidInput", `Temporal does not know the namespace: ${words}`, {
    remedy: "`docket setup` makes it, with the search attributes; or correct TEMPORAL_NAMESPACE or TEMPORAL_ADDRESS.",
    cause,
  });
}

function notAllowed(words: string, cause: unknown): DocketError {
  return new DocketError("InvalidInput", `Temporal refuses the credentials, or what they may do: ${words}`, {
    remedy:
      "Correct TEMPORAL_API_KEY or the client certificate (TEMPORAL_TLS_*), or give them the right to it in the " +
      "namespace of TEMPORAL_NAMESPACE.",
    cause,
  });
}
