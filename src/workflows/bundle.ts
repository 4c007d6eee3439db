import { writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { bundleWorkflowCode, DefaultLogger } from "@temporalio/worker";

/** The workflows as one file, made at build time: a worker that starts does not bundle. */
export const workflowBundleUrl = new URL("../workflow-bundle.js", import.meta.url);

/** The same with interceptors that trace; loaded where a collector is named. */
export const tracedWorkflowBundleUrl = new URL("../traced-workflow-bundle.js", import.meta.url);

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const bundle = async (into: URL, workflowInterceptorModules: string[]) => {
    const { code } = await bundleWorkflowCode({
      workflowsPath: fileURLToPath(new URL("./index.js", import.meta.url)),
      logger: new DefaultLogger("WARN"),
      workflowInterceptorModules,
    });
    await writeFile(into, code);
  };
  await bundle(workflowBundleUrl, []);
  await bundle(tracedWorkflowBundleUrl, ["@temporalio/interceptors-opentelemetry/lib/workflow-interceptors"]);
}
