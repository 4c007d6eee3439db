import type { Content } from "./contents.ts";
import { type FaultName, type PlannedFault, planFaults } from "./faults.ts";
import { Random } from "./random.ts";

/** When a document is handed in. */
export interface HandIn {
  /** From the beginning of the run, milliseconds. */
  at: number;
  sameWorkflow: boolean;
}

/** A document of the run and when it is handed in. */
export interface PlannedDocument {
  content: Content;
  engine: "textract" | "local";
  /** The same content in two projects is two documents. */
  project: string;
  /** More than one: it is handed in again, under the same workflow id or another. */
  handIns: HandIn[];
}

/** Everything that chance decides. */
export interface Plan {
  seed: number;
  /** Hand-ins and faults come within this time, milliseconds. */
  windowMilliseconds: number;
  documents: PlannedDocument[];
  faults: PlannedFault[];
}

// Long enough for faults to meet documents at every step, short enough for forty documents in a minute or two.
const millisecondsPerDocument = 700;

/** The plan of one run: the same seed, number of documents and kinds of faults give the same plan. */
export function makePlan(
  seed: number,
  options: { documents: number; faults: readonly FaultName[]; contents: readonly Content[] },
): Plan {
  const random = new Random(seed);
  const windowMilliseconds = options.documents * millisecondsPerDocument;
  const good = options.contents.filter(({ fails }) => fails === null);
  const bad = options.contents.filter(({ fails }) => fails !== null);
  const uses = new Map<Content, number>();
  const documents = Array.from({ length: options.documents }, (): PlannedDocument => {
    const left = (random.next() < 0.2 ? bad : good).filter((content) => (uses.get(content) ?? 0) < content.most);
    const content = random.pick(left);
    const use = (uses.get(content) ?? 0) + 1;
    uses.set(content, use);
    const engine = content.engines.includes("local") && random.next() < 0.3 ? "local" : "textract";
    const first = random.int(0, windowMilliseconds);
    const again = random.next() < 0.2 ? [{ at: first + random.int(0, 5000), sameWorkflow: random.next() < 0.5 }] : [];
    return { content, engine, project: `chaos-${use}`, handIns: [{ at: first, sameWorkflow: true }, ...again] };
  });
  return {
    seed,
    windowMilliseconds,
    documents,
    faults: planFaults(random, options.faults, { documents: options.documents, windowMilliseconds }),
  };
}
