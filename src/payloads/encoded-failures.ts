import { DefaultFailureConverter } from "@temporalio/common";

/** Moves message and stack trace of a failure into a payload, which the codec encrypts. Loaded by Temporal, by its path. */
export const failureConverter = new DefaultFailureConverter({ encodeCommonAttributes: true });
