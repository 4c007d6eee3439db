import type { VersioningBehavior } from "@temporalio/common";
import { workflowInfo } from "@temporalio/workflow";

/**
 * How a workflow moves between versions of the workers (docs/decisions/0030-documents-keep-their-version.md). A worker
 * without a version must name no behaviour: the server refuses the whole task.
 */
export function versionedAs(versioningBehavior: VersioningBehavior): () => { versioningBehavior?: VersioningBehavior } {
  return () => (workflowInfo().currentDeploymentVersion?.deploymentName ? { versioningBehavior } : {});
}
