/** Extensions that documents have, in lower case. */
export const documentExtensions: ReadonlySet<string> = new Set([".pdf", ".tif", ".tiff", ".jpg", ".jpeg", ".png"]);
