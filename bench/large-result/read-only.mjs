// A loop that only reads a result and parses its JSON: node read-only.mjs ENDPOINT. Prints seconds, answers, blocks and
// processor seconds as JSON.
import { Agent, request } from "node:http";

const endpoint = process.argv[2] ?? "";
const agent = new Agent({ keepAlive: true });
const began = performance.now();
let answers = 0;
let blocks = 0;
let token;
do {
  const answer = await get({ JobId: "read-only", MaxResults: 1000, NextToken: token });
  answers++;
  blocks += answer.Blocks.length;
  token = answer.NextToken;
} while (token !== undefined);
agent.destroy();
const { user, system } = process.cpuUsage();
const seconds = (performance.now() - began) / 1000;
console.log(JSON.stringify({ seconds, answers, blocks, processorSeconds: (user + system) / 1e6 }));

/** @returns {Promise<{ Blocks: unknown[], NextToken?: string }>} */
function get(/** @type {object} */ input) {
  const headers = {
    "content-type": "application/x-amz-json-1.1",
    "x-amz-target": "Textract.GetDocumentTextDetection",
  };
  return new Promise((resolve, reject) => {
    request(endpoint, { agent, method: "POST", headers }, (response) => {
      /** @type {Buffer[]} */
      const chunks = [];
      response.on("data", (chunk) => chunks.push(chunk));
      response.on("end", () => resolve(JSON.parse(Buffer.concat(chunks).toString())));
    })
      .on("error", reject)
      .end(JSON.stringify(input));
  });
}
