import { expect, it } from "vitest";
import { runCommand } from "./support/stack.ts";

// The tools come from the PATH, the user's cache or a package registry; what none of them has is left out, and said.
it("Dockerfile, compose.yaml and every variant of the Helm chart pass the tools and schemas of their fields", async (test) => {
  const { code, stdout, stderr } = await runCommand(process.execPath, ["scripts/check-deploy.mjs"]);
  expect(code, stdout + stderr).toBe(0);
  const seen = stdout.split("\n");
  const skipped = (what: string) => seen.filter((line) => line.startsWith(`SKIPPED  ${what}`));
  const told = (what: string) => [...seen.filter((line) => line.startsWith(`ok  ${what}`)), ...skipped(what)];
  for (const what of ["Dockerfile", "compose.yaml (compose-spec)"]) expect(told(what), what).not.toEqual([]);
  expect(seen).toContain("ok  compose.yaml: what ended recognisers leave is collected");
  const [withoutHelm] = skipped("Helm chart");
  test.skip(withoutHelm !== undefined, withoutHelm);
  for (const what of [
    "chart (helm lint)",
    "chart without a bucket and an address is refused",
    "chart: KEDA with the Worker Controller is refused",
    "chart: KEDA with an authority and no client certificate is refused",
    "plain: what ended recognisers leave is collected",
    "versions: documents workers have a PodDisruptionBudget",
    "own files: setup and workers have their files",
    "keda with TLS: KEDA has the certificate that the workers have",
  ]) {
    expect(seen).toContain(`ok  ${what}`);
  }
  for (const what of ["manifests", "keda.sh/v1alpha1 ScaledObject", "temporal.io/v1alpha1 WorkerDeployment"]) {
    expect(told(what), what).not.toEqual([]);
  }
}, 1_200_000);
