import { v5 as uuidv5 } from "uuid";

// Never change these: every identity that was ever derived depends on them.
const documentNamespace = "5b0b6bd5-5f1c-4f0e-9a53-0c7b1f3f7a11";
const projectNamespace = "d3a8a5f6-7a39-4a3c-8e6c-2f1f7d2a9c42";

/** The project that a document belongs to when none is named. */
export const defaultProject = "default";

/** The document's id: the same content in the same project is the same document, under whatever name it arrives. */
export function documentIdFromContent(project: string, sha256: string): string {
  return uuidv5(`${project}\nsha256:${sha256.toLowerCase()}`, documentNamespace);
}

/** The id for content that cannot be read (a missing object must still leave a record that says so). */
export function documentIdFromLocation(project: string, bucket: string, key: string, version?: string): string {
  return uuidv5(`${project}\ns3://${bucket}/${key}#${version ?? ""}`, documentNamespace);
}

/** The project's id, derived from its slug. */
export function projectIdFromSlug(slug: string): string {
  return uuidv5(slug, projectNamespace);
}

/** A name for a set of documents, whatever their order. */
export function setId(documentIds: readonly string[]): string {
  return uuidv5([...documentIds].sort().join("\n"), documentNamespace);
}

/** Workflow id of a document. */
export function documentWorkflowId(documentId: string): string {
  return `document/${documentId}`;
}
