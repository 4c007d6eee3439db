import { parentPort } from "node:worker_threads";
import { DocketError, type FailureType } from "../contract/failures.ts";
import { type AnswerRead, type AnswerToRead, readAnswer } from "./read-answer.ts";

// The program of the thread that AnswerReader starts: reads one answer after another.

/** What the thread says of an answer. */
export type AnswerMessage =
  | { kind: "read"; answer: AnswerRead }
  | { kind: "failed"; type: FailureType; reason: string };

parentPort?.on("message", (question: AnswerToRead) => {
  const { message, moved } = reply(question);
  parentPort?.postMessage(message, moved);
});

/** @returns with the memory that goes over to the other thread instead of being copied */
function reply(question: AnswerToRead): { message: AnswerMessage; moved: ArrayBuffer[] } {
  try {
    const answer = readAnswer(question);
    const bytes = [answer.body, answer.open, ...answer.rows.flatMap(({ text, lines }) => [text, lines])];
    const moved = bytes.flatMap((part) => (part === null ? [] : (part.buffer as ArrayBuffer)));
    return { message: { kind: "read", answer }, moved };
  } catch (error) {
    const { type, message } = error instanceof DocketError ? error : new DocketError("Internal", String(error));
    return { message: { kind: "failed", type, reason: message }, moved: [] };
  }
}
