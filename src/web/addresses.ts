/** An address of this site with those parameters that have a value. */
export function address(path: string, parameters: Record<string, string | number | undefined> = {}): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) {
    if (value !== undefined && value !== "") query.set(name, String(value));
  }
  return query.size === 0 ? path : `${path}?${query}`;
}

export function documentAddress(documentId: string): string {
  return `/documents/${documentId}`;
}

/** @param phrase what was searched for, marked on the page */
export function pageAddress(documentId: string, page: number, phrase = ""): string {
  return address(`/documents/${documentId}/pages/${page}`, { q: phrase });
}

export function pictureAddress(documentId: string, page: number): string {
  return `/documents/${documentId}/pages/${page}/picture.png`;
}
