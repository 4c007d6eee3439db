import { DefaultFailureConverter } from "@temporalio/common";

// Workflow code knows no environment: a worker with payload keys puts this in front of the bundle (bundle.ts).
declare const DOCKET_ENCODES_FAILURES: true | undefined;

/** As the worker's own: where payloads are encrypted, messages and stack traces of failures are among them. */
export const failureConverter = new DefaultFailureConverter({
  encodeCommonAttributes: typeof DOCKET_ENCODES_FAILURES !== "undefined",
});
