import { parentPort } from "node:worker_threads";
import { DocketError, type FailureType } from "../contract/failures.ts";
import { type AnswerRead, type AnswerToRead, readAnswer } from "./read-answer.ts";

// The program of the thread that AnswerReader starts: reads one answer after another.

/** What the thread says of an answer, and the memory in which the answer came. */
export type AnswerMessage = { memory: ArrayBuffer } & (
  | { kind: "read"; answer: AnswerRead }
  | { kind: "failed"; type: FailureType; reason: string }
);

/** What the thread is asked: an answer in memory that goes back with the reply. */
export type AnswerQuestion = AnswerToRead & { body: Uint8Array<ArrayBuffer> };

parentPort?.on("message", (question: AnswerQuestion) => {
  const { message, moved } = reply(question);
  parentPort?.postMessage(message, moved);
});

/** @returns with the memory that goes over to the other thread instead of being copied */
function reply(question: AnswerQuestion): { message: AnswerMessage; moved: ArrayBuffer[] } {
  const memory = question.body.buffer;
  try {
    const answer = readAnswer(question);
    const bytes = [answer.open, ...answer.rows.flatMap(({ text, lines }) => [text, lines])];
    const moved = bytes.flatMap((part) => (part === null ? [] : (part.buffer as ArrayBuffer)));
    return { message: { kind: "read", answer, memory }, moved: [memory, ...moved] };
  } catch (error) {
    const { type, message } = error instanceof DocketError ? error : new DocketError("Internal", String(error));
    return { message: { kind: "failed", type, reason: message, memory }, moved: [memory] };
  }
}
