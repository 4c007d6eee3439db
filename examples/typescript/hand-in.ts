// Hands a file in to Docket, follows it to its end, and prints its text.
//
//   npm run build && eval "$(npx docket env)"
//   node examples/typescript/hand-in.ts scan.pdf [project]      (Node 22.18 or newer; before: compile it)
import { DocketClient } from "docket/client";

const [path, project = "default"] = process.argv.slice(2);
if (path === undefined) {
  console.error("Usage: node hand-in.ts FILE [PROJECT]");
  process.exit(1);
}

const docket = await DocketClient.connect();
try {
  const handedIn = await docket.submitFile(path, { project });
  for await (const { stage, pagesDone, pages, outcome } of docket.follow(handedIn)) {
    if (outcome === null) console.error(`${stage ?? "handed in"}, ${pagesDone} of ${pages ?? "?"} pages`);
    else if (outcome.failure === null) console.log(await docket.text(handedIn.documentId));
    else {
      console.error(`${outcome.failure.type}: ${outcome.failure.message}\nremedy: ${outcome.failure.remedy}`);
      process.exitCode = 2;
    }
  }
} finally {
  await docket.close();
}
