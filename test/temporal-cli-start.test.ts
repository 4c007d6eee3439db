import { expect, it } from "vitest";
import { findTemporal } from "#docket/local/parts/temporal-cli";
import { runCommand, useStack } from "./support/stack.ts";

const stack = useStack();

it("the plain Temporal CLI hands in an object that is already in S3 and gets the result", async () => {
  const document = await stack.upload("cli/contract.pdf", "samples/service-agreement.pdf");
  const temporal = await findTemporal();
  const { code, stdout, stderr } = await runCommand(temporal, [
    ...["workflow", "execute", "--address", process.env["TEMPORAL_ADDRESS"] ?? "", "--output", "json"],
    ...["--type", "processDocument", "--task-queue", "documents", "--workflow-id", "from-the-cli"],
    ...["--input", JSON.stringify({ document, project: "from-cli", customFields: { matter: "2026-17" } })],
  ]);
  expect(stderr).toBe("");
  expect(code).toBe(0);
  const { status, result } = JSON.parse(stdout);
  expect(status).toBe("COMPLETED");
  expect(result).toMatchObject({ status: "complete", project: "from-cli", engine: "textract", textractJobs: 1 });

  const metadata = await stack.database.documentMetadata.findUnique({ where: { documentId: result.documentId } });
  expect(metadata).toMatchObject({ fileName: "contract.pdf", customFields: { matter: "2026-17" } });
});
