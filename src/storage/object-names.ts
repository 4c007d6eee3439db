import type { DocumentLocation } from "../contract/process-document.ts";

// What `docket` uploads, by its key: documents/PROJECT/DOCUMENT-ID/FILE-NAME.
const ownUpload = /^documents\/[a-z0-9-]+\/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\/(.+)$/;

/** What messages call a document: the name of the file that was handed in, or the address of the caller's object. */
export function describe(location: DocumentLocation): string {
  return ownUpload.exec(location.key)?.[1] ?? objectAddress(location);
}

/** Whether an object is one that `docket` uploaded itself. */
export function isOwnUpload({ key }: DocumentLocation): boolean {
  return ownUpload.test(key);
}

/** An object as people write it. */
export function objectAddress(location: DocumentLocation): string {
  return `s3://${location.bucket}/${location.key}${location.version ? ` (version ${location.version})` : ""}`;
}
