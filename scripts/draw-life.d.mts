/** The life of a document as a Mermaid picture, with its fence. */
export function lifeOfADocument(): string;
