// A thread that reads answers of Textract, and takes memory without end at a document with this name.
import { parentPort } from "node:worker_threads";
import { readAnswer } from "#docket/textract/read-answer";

parentPort?.on("message", (question) => {
  const all = [];
  while (question.name === "hungry document") all.push(new Array(1000).fill(0));
  const memory = question.body.buffer;
  parentPort?.postMessage({ kind: "read", answer: readAnswer(question), memory }, [memory]);
});
