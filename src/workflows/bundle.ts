import { readFile, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { bundleWorkflowCode, DefaultLogger } from "@temporalio/worker";

/** The workflows as one file, made at build time: a worker that starts does not bundle. */
const workflowBundleUrl = new URL("../workflow-bundle.js", import.meta.url);

/** The same with interceptors that trace; loaded where a collector is named. */
const tracedWorkflowBundleUrl = new URL("../traced-workflow-bundle.js", import.meta.url);

/**
 * The code that a worker runs workflows with.
 * @param variant.traced with interceptors that trace
 * @param variant.encodesFailures whether messages of failures become payloads, for the codec to encrypt
 */
export async function readWorkflowBundle(variant: { traced: boolean; encodesFailures: boolean }): Promise<string> {
  const code = await readFile(variant.traced ? tracedWorkflowBundleUrl : workflowBundleUrl, "utf8");
  // On the first line, so that the lines of the source map stay where they are.
  return variant.encodesFailures ? `var DOCKET_ENCODES_FAILURES = true; ${code}` : code;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const pathOf = (name: string) => fileURLToPath(new URL(name, import.meta.url));
  const bundle = async (into: URL, workflowInterceptorModules: string[]) => {
    const { code } = await bundleWorkflowCode({
      workflowsPath: pathOf("./index.js"),
      failureConverterPath: pathOf("./failure-converter.js"),
      logger: new DefaultLogger("WARN"),
      workflowInterceptorModules,
    });
    await writeFile(into, code);
  };
  await bundle(workflowBundleUrl, []);
  await bundle(tracedWorkflowBundleUrl, ["@temporalio/interceptors-opentelemetry/lib/workflow-interceptors"]);
}
