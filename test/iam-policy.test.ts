import { readFile } from "node:fs/promises";
import { basename } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { copyKey } from "#docket/activities/copy-key";
import { writeMark } from "#docket/activities/keep-result";
import { sourceFiles } from "./support/source-files.ts";

// The policies of docs/iam-policy.md against the operations that the code calls: the commands of the AWS SDK that
// files of src/ import. What src/local does is done to the embedded services, which know no policies.

interface Statement {
  Sid: string;
  Effect: string;
  Action: string[];
  Resource: string | string[];
}

/** IAM actions of each operation of the SDK (service authorization reference). */
const actionsOf: Record<string, string[]> = {
  "s3:HeadBucket": ["s3:ListBucket"],
  "s3:HeadObject": ["s3:GetObject", "s3:GetObjectVersion", "s3:ListBucket"],
  "s3:GetObject": ["s3:GetObject", "s3:GetObjectVersion"],
  "s3:ListObjectsV2": ["s3:ListBucket"],
  "s3:ListObjectVersions": ["s3:ListBucketVersions"],
  "s3:PutObject": ["s3:PutObject"],
  "s3:Upload": ["s3:PutObject", "s3:AbortMultipartUpload"],
  "s3:CreateMultipartUpload": ["s3:PutObject"],
  "s3:UploadPart": ["s3:PutObject"],
  "s3:CompleteMultipartUpload": ["s3:PutObject"],
  "s3:AbortMultipartUpload": ["s3:AbortMultipartUpload"],
  "s3:ListMultipartUploads": ["s3:ListBucketMultipartUploads"],
  "s3:ListParts": ["s3:ListMultipartUploadParts"],
  "s3:DeleteObject": ["s3:DeleteObject", "s3:DeleteObjectVersion"],
  "textract:StartDocumentTextDetection": ["textract:StartDocumentTextDetection"],
  "textract:GetDocumentTextDetection": ["textract:GetDocumentTextDetection"],
  "textract:StartDocumentAnalysis": ["textract:StartDocumentAnalysis"],
  "textract:GetDocumentAnalysis": ["textract:GetDocumentAnalysis"],
  "sqs:ReceiveMessage": ["sqs:ReceiveMessage"],
  "sqs:DeleteMessage": ["sqs:DeleteMessage"],
  "service-quotas:ListServiceQuotas": ["servicequotas:ListServiceQuotas"],
  "sts:GetCallerIdentity": ["sts:GetCallerIdentity"],
};
/** What deleting documents needs, which is optional. */
const deletion = ["s3:ListObjectVersions", "s3:DeleteObject"];
const writes = ["s3:PutObject", "s3:Upload", "s3:DeleteObject"];
/** What only those do who upload large files. */
const inParts = [
  ...["CreateMultipartUpload", "UploadPart", "CompleteMultipartUpload", "AbortMultipartUpload"],
  ...["ListMultipartUploads", "ListParts"],
].map((name) => `s3:${name}`);

/** What `docket doctor` asks for (src/cli/doctor), and `docket ledger --reconcile`, whose jobs may be of either kind. */
const checks = [
  ...["HeadBucket", "ListObjectsV2", "HeadObject", "GetObject", "PutObject"].map((name) => `s3:${name}`),
  ...["GetDocumentTextDetection", "GetDocumentAnalysis"].map((name) => `textract:${name}`),
  ...["service-quotas:ListServiceQuotas", "sts:GetCallerIdentity"],
];

let policies: Map<string, Statement[]>;
let operations: string[];

beforeAll(async () => {
  policies = new Map();
  const page = await readFile("docs/iam-policy.md", "utf8");
  for (const section of page.split(/^## /m).slice(1)) {
    const [heading = ""] = section.split("\n", 1);
    const blocks = section.split("```json\n").slice(1);
    policies.set(
      heading,
      blocks.flatMap((block) => (JSON.parse(block.split("```")[0] ?? "") as { Statement: Statement[] }).Statement),
    );
  }
  const called = new Set<string>();
  for (const { file, text } of await sourceFiles("src")) {
    if (file.startsWith("src/local/")) continue;
    for (const [, names = "", service = ""] of text.matchAll(/import \{([^}]*)\} from "@aws-sdk\/client-([\w-]+)"/g)) {
      for (const [, operation = ""] of names.matchAll(/\b(\w+)Command\b/g)) called.add(`${service}:${operation}`);
    }
    if (/import \{[^}]*\bUpload\b[^}]*\} from "@aws-sdk\/lib-storage"/.test(text)) called.add("s3:Upload");
  }
  operations = [...called].sort();
});

const allowed = (names: (name: string) => boolean) =>
  new Set([...policies].filter(([name]) => names(name)).flatMap(([, list]) => list.flatMap(({ Action }) => Action)));

function lacking(operationsOfProcess: string[], actions: Set<string>): string[] {
  return operationsOfProcess.flatMap((operation) => {
    const needed = actionsOf[operation];
    if (needed === undefined) return [`${operation} (unknown to this test: name its actions)`];
    return needed.filter((action) => !actions.has(action)).map((action) => `${operation} needs ${action}`);
  });
}

it("the code's operations are found", () => {
  expect(operations).toEqual(
    expect.arrayContaining(["s3:HeadBucket", "s3:Upload", "s3:GetObject", "textract:StartDocumentTextDetection"]),
  );
});

describe("a policy has every operation of its process", () => {
  it("documents worker, with the optional ones", () => {
    const actions = allowed((name) => name === "Documents worker" || name.startsWith("Optional:"));
    const own = operations.filter((operation) => !inParts.includes(operation));
    expect(lacking(own, actions)).toEqual([]);
  });

  it("documents worker alone, for everything that is not optional", () => {
    const others = [...deletion, ...inParts];
    const always = operations.filter((operation) => /^(s3|textract):/.test(operation) && !others.includes(operation));
    expect(
      lacking(
        always,
        allowed((name) => name === "Documents worker"),
      ),
    ).toEqual([]);
  });

  it("OCR worker, which only reads", () => {
    const reads = operations.filter(
      (operation) => operation.startsWith("s3:") && ![...writes, ...deletion, ...inParts].includes(operation),
    );
    const actions = allowed((name) => name === "OCR worker");
    expect(lacking(reads, actions)).toEqual([]);
    expect([...actions].filter((action) => /Put|Delete|textract/.test(action))).toEqual([]);
  });

  it("hand-in client, which reads and uploads", () => {
    const client = operations.filter((operation) => operation.startsWith("s3:") && !deletion.includes(operation));
    expect(
      lacking(
        client,
        allowed((name) => name === "Hand-in client"),
      ),
    ).toEqual([]);
  });

  it("doctor and reconcile, which read, ask and write a mark", () => {
    const names = ["OCR worker", "Checks", "Optional: the account's quotas and identity"];
    expect(checks.filter((operation) => !operations.includes(operation))).toEqual([]);
    expect(
      lacking(
        checks,
        allowed((name) => names.includes(name)),
      ),
    ).toEqual([]);
  });

  it("every command is told what it needs", async () => {
    const page = await readFile("docs/iam-policy.md", "utf8");
    const commands = (await sourceFiles("src/cli/commands")).map(({ file }) => basename(file, ".ts"));
    expect(commands).toContain("watch-folder");
    const untold = commands.filter((name) => !new RegExp(`\`(docket )?${name}[\` ]`).test(page));
    expect(untold).toEqual(["index"]);
  });
});

it("the workers may write and delete where the code does, below each prefix of its own", async () => {
  const mayBelow = (section: string, action: string) =>
    (policies.get(section) ?? [])
      .filter(({ Action }) => Action.includes(action))
      .flatMap(({ Resource }) => Resource)
      .map((resource) => resource.replace("arn:aws:s3:::", ""));
  const copies = copyKey("document", "content").split("/")[0];
  expect(mayBelow("Documents worker", "s3:PutObject")).toEqual(["BUCKET/textract/*", `BUCKET/${copies}/*`]);
  expect(mayBelow("Documents worker", "s3:DeleteObject")).toEqual([`BUCKET/${copies}/*`]);
  expect(mayBelow("Checks", "s3:PutObject")).toEqual([
    `BUCKET/${writeMark("DOCKET_BUCKET").key}`,
    `STAGING-BUCKET/${writeMark("DOCKET_STAGING_BUCKET").key}`,
  ]);
  const keys = (await sourceFiles("src/activities")).flatMap(({ text }) =>
    [...text.matchAll(/[`"]([a-z]+)\/(?:\$\{documentId\}|\.write-check)/g)].map(([, prefix]) => prefix),
  );
  expect([...new Set(keys)].sort()).toEqual([copies, "textract"]);
});

it("what an upload may leave in parts is ended by the lifecycle rules of the runbook", async () => {
  const runbook = await readFile("docs/operations.md", "utf8");
  const [, rules = ""] = /--lifecycle-configuration '([^']*)'/.exec(runbook) ?? [];
  const prefixes = (JSON.parse(rules) as { Rules: { Filter: { Prefix: string } }[] }).Rules.map(
    (rule) => rule.Filter.Prefix,
  );
  expect(prefixes).toEqual(["documents/", `${copyKey("document", "content").split("/")[0]}/`]);
});

it("no policy allows more than is called: no wildcard actions, and every action belongs to something", () => {
  const justified = new Set(operations.flatMap((operation) => actionsOf[operation] ?? []));
  // Of other services on the way: the bucket's encryption, the role that Textract publishes with.
  for (const action of ["kms:Decrypt", "kms:GenerateDataKey", "iam:PassRole"]) justified.add(action);
  for (const [name, statements] of policies) {
    for (const { Sid, Effect, Action, Resource } of statements) {
      expect(Effect).toBe("Allow");
      expect(
        Action.filter((action) => !justified.has(action)),
        `${name}, ${Sid}`,
      ).toEqual([]);
      const anywhere = [Resource].flat().includes("*");
      const withoutResources = Action.every((action) => /^(textract|sts|servicequotas):/.test(action));
      expect(anywhere, `${name}, ${Sid}`).toBe(withoutResources);
    }
  }
  expect([...policies.values()].filter((statements) => statements.length > 0)).toHaveLength(9);
});
