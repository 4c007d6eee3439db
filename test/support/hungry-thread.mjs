// A thread that reads answers of Textract, and takes memory without end at a document with this name.
import { parentPort } from "node:worker_threads";
import { readAnswer } from "#docket/textract/read-answer";

parentPort?.on("message", (question) => {
  // Objects: from Node 22 on a thread that fills arrays in a bare loop is not ended at its limit.
  let all = null;
  while (question.name === "hungry document") all = { all };
  const memory = question.body.buffer;
  parentPort?.postMessage({ kind: "read", answer: readAnswer(question), memory }, [memory]);
});
