import type { Block, GetDocumentAnalysisResponse, GetDocumentTextDetectionResponse } from "@aws-sdk/client-textract";
import type { StartOperation } from "./request-shapes.ts";
import { jobStatus, type TextractJob } from "./textract-job.ts";

/** Blocks of one answer, and the token of the next. */
export interface BlockPart {
  blocks: Block[];
  nextToken?: string | undefined;
}

/** A Get operation's answer; the shape of the objects that OutputConfig writes, too. No member is undefined. */
export function jobAnswer(
  job: TextractJob,
  part: BlockPart | undefined,
): GetDocumentTextDetectionResponse | GetDocumentAnalysisResponse {
  const { end } = job;
  return {
    ...(part === undefined || job.pages === undefined ? {} : { DocumentMetadata: { Pages: job.pages } }),
    JobStatus: jobStatus(job),
    ...(part?.nextToken === undefined ? {} : { NextToken: part.nextToken }),
    ...(part === undefined ? {} : { Blocks: part.blocks }),
    ...(end === undefined || end.warnings.length === 0 ? {} : { Warnings: end.warnings }),
    ...(end?.statusMessage === undefined ? {} : { StatusMessage: end.statusMessage }),
    ...modelVersion(job.operation),
  };
}

/** Version of the model that read the document, under the name that each kind of operation has for it. */
export function modelVersion(operation: StartOperation | "DetectDocumentText" | "AnalyzeDocument") {
  const text = operation === "StartDocumentTextDetection" || operation === "DetectDocumentText";
  return text ? { DetectDocumentTextModelVersion: "1.0" } : { AnalyzeDocumentModelVersion: "1.0" };
}
