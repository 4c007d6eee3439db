import type { SearchAttributePair } from "@temporalio/common";
import { setCurrentDetails, sleep, upsertSearchAttributes, workflowInfo } from "@temporalio/workflow";
import type { Failure } from "../contract/failures.ts";
import type {
  DocumentProgress,
  ProcessDocumentInput,
  ProcessDocumentResult,
  Stage,
} from "../contract/process-document.ts";
import { searchAttributes } from "../contract/search-attributes.ts";
import { nameOf } from "./document-activities.ts";

// What a document waits for while a step is under way; null where the step is work of its own.
const waitingFor: Partial<Record<Stage, string>> = {
  stageObject: "a copy in a region that Textract serves",
  submitTextract: "a place in Textract's queue",
  awaitTextract: "Textract to read the document",
  recognizeLocally: "the local recogniser",
};

// Every upsert is a history event and a write to the server's index, which cost more than a short step does: the list of
// workflows is told of steps that a document may stay in for long, once it has taken longer than most, and of its end.
const lasting: ReadonlySet<Stage> = new Set<Stage>([
  ...(["ensureProject", "stageObject", "submitTextract", "awaitTextract", "collectPages"] as const),
  ...(["extractMissingPages", "recognizeLocally"] as const),
]);
const ends: ReadonlySet<Stage> = new Set<Stage>(["complete", "failed"]);

/** What a person sees of a running document: current details, search attributes, and the `progress` query. */
export class DocumentStory {
  readonly #name: string;
  readonly #done: string[] = [];
  /** What the list of workflows is told of, besides the end. */
  #lists: "every step" | "lasting steps" | "nothing" = "every step";
  /** Whether whoever started the document set its attributes: Docket's own clients do, which costs nothing. */
  readonly #listedAtStart: boolean;
  /** Attributes that are set together with the next stage. */
  #unwritten: SearchAttributePair[] = [];
  #progress: DocumentProgress = {
    documentId: null,
    stage: "ensureProject",
    waitingFor: null,
    pages: null,
    attempts: 0,
    failure: null,
  };

  constructor(input: ProcessDocumentInput | undefined) {
    this.#name = nameOf(input);
    const project = typeof input?.project === "string" ? input.project.slice(0, 100) : "default";
    const engine = typeof input?.engine === "string" ? input.engine.slice(0, 100) : "textract";
    this.#listedAtStart = workflowInfo().typedSearchAttributes.get(searchAttributes.stage) !== undefined;
    if (this.#listedAtStart) return;
    this.#unwritten = [
      { key: searchAttributes.project, value: project },
      { key: searchAttributes.engine, value: engine },
    ];
  }

  progress(): DocumentProgress {
    return { ...this.#progress };
  }

  /** Runs one step under its name. */
  async step<T>(stage: Stage, run: () => Promise<T>): Promise<T> {
    this.#enter(stage);
    const result = await run();
    this.#done.push(stage);
    return result;
  }

  identify(documentId: string): void {
    this.#progress.documentId = documentId;
  }

  /** From here on the list of workflows is told of those steps only that a document may stay in. */
  listSeldom(): void {
    this.#lists = "lasting steps";
  }

  /** The list is told of nothing more until so much time has passed; then of the step under way, and of lasting ones. */
  listAfter(milliseconds: number): void {
    this.#lists = milliseconds === 0 ? "lasting steps" : "nothing";
    if (milliseconds === 0) return;
    const late = () => {
      this.#lists = "lasting steps";
      this.#list();
    };
    // A document that is cancelled ends its timers.
    sleep(milliseconds).then(late, () => undefined);
  }

  pages(pages: number): void {
    this.#progress.pages = pages;
    this.#setAttribute({ key: searchAttributes.pages, value: pages });
  }

  submitted(job: { attempt: number; jobId: string }): void {
    this.#progress.attempts++;
    this.#done.push(`Textract job ${job.jobId}, attempt ${job.attempt}`);
  }

  complete(result: ProcessDocumentResult): ProcessDocumentResult {
    this.#enter("complete");
    return result;
  }

  fail(failure: Failure): void {
    this.#progress.failure = failure;
    this.#setAttribute({ key: searchAttributes.failureType, value: failure.type });
    this.#enter("failed");
  }

  #enter(stage: Stage): void {
    this.#progress.stage = stage;
    this.#progress.waitingFor = waitingFor[stage] ?? null;
    if (this.#isListed(stage)) this.#list();
    setCurrentDetails(this.#details());
  }

  #isListed(stage: Stage): boolean {
    if (ends.has(stage)) return true;
    if (this.#lists === "every step") return !this.#listedAtStart;
    return this.#lists === "lasting steps" && lasting.has(stage);
  }

  #list(): void {
    upsertSearchAttributes([...this.#unwritten, { key: searchAttributes.stage, value: this.#progress.stage }]);
    this.#unwritten = [];
  }

  #setAttribute(attribute: SearchAttributePair): void {
    if (this.#lists === "every step") upsertSearchAttributes([attribute]);
    else this.#unwritten.push(attribute);
  }

  #details(): string {
    const { documentId, stage, pages, failure } = this.#progress;
    const lines = [
      `**${this.#name}**${pages === null ? "" : `, ${pages} pages`}`,
      `Stage: ${stage}${this.#progress.waitingFor === null ? "" : ` (waiting for ${this.#progress.waitingFor})`}`,
      ...(documentId === null ? [] : [`Document: ${documentId}`]),
      ...(failure === null ? [] : [`**${failure.type}**: ${failure.message}`, `What to do: ${failure.remedy}`]),
      ...(this.#done.length === 0 ? [] : [`Done: ${this.#done.join(", ")}`]),
    ];
    return lines.join("\n\n");
  }
}
