/** A broken or hostile document, and what may become of it: `complete`, or types of failures. */
export interface BadInput {
  name: string;
  textract: string[];
  local: string[];
  /** False: takes too long to be handed in in a test; looked at and read by the commands only. */
  stack?: boolean;
}

export const badInputs: BadInput[];

/** Writes one into a folder; what is only zeros takes no room on the disk. Returns its path. */
export function writeBadInput(input: BadInput, folder: string): Promise<string>;
