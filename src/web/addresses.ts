import type { ListPlace } from "./find-documents.ts";

/** An id as addresses have it. */
export const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** An address of this site with those parameters that have a value. */
export function address(path: string, parameters: Record<string, string | number | undefined> = {}): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) {
    if (value !== undefined && value !== "") query.set(name, String(value));
  }
  return query.size === 0 ? path : `${path}?${query}`;
}

/** A place in the list of documents as an address has it. */
export function formatPlace({ receivedAt, id }: ListPlace): string {
  return `${receivedAt.toISOString()}_${id}`;
}

/** @returns undefined for anything but what {@link formatPlace} writes */
export function parsePlace(text: string | undefined): ListPlace | undefined {
  const [, time = "", id = ""] = /^([\dTZ:.-]{24})_([0-9a-f-]{36})$/.exec(text ?? "") ?? [];
  const receivedAt = new Date(time);
  return uuid.test(id) && !Number.isNaN(receivedAt.getTime()) ? { receivedAt, id } : undefined;
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
