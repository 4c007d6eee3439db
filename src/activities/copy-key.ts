/** Where copies of a document stand in a bucket of ours, while Textract reads them. */
export function copyPrefix(documentId: string): string {
  return `copies/${documentId}/`;
}

/** @param content what the copy holds: the same content has the same key */
export function copyKey(documentId: string, content: string): string {
  return `${copyPrefix(documentId)}${content}`;
}
