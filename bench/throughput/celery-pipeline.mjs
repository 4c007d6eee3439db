import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { access } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import pg from "pg";
import { freePort } from "#docket/local/free-port";
import { startProcess } from "../support/processes.mjs";

const run = promisify(execFile);
const folder = fileURLToPath(new URL("./celery/", import.meta.url));
const virtualEnvironment = fileURLToPath(new URL("../../node_modules/.cache/bench-celery/", import.meta.url));

/**
 * Starts Redis and the Celery worker; the first time it installs them into `node_modules/.cache`, by pip.
 * @param {Awaited<ReturnType<typeof import("../support/bench-stack.mjs").openBench>>} bench
 * @param {number} processes worker processes
 * @returns null where Python 3 or redis-server is missing
 */
export async function startCelery(bench, processes) {
  try {
    await run("redis-server", ["--version"]);
    await run("python3", ["--version"]);
  } catch {
    return null;
  }
  const python = `${virtualEnvironment}bin/python`;
  try {
    await access(`${virtualEnvironment}bin/celery`);
  } catch {
    await run("python3", ["-m", "venv", virtualEnvironment]);
    await run(python, ["-m", "pip", "install", "--quiet", "-r", `${folder}requirements.txt`], { timeout: 300_000 });
  }
  const port = await freePort([]);
  // Nothing is written to the disk: the fastest that Redis can be.
  const settings = ["--port", String(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"];
  const redis = await startProcess("redis-server", settings, /Ready to accept connections/);
  await bench.database.query("CREATE DATABASE celery");
  const url = new URL(bench.environment["DATABASE_URL"] ?? "");
  url.pathname = "/celery";
  const database = new pg.Client({ connectionString: url.href });
  await database.connect();
  await database.query(
    `CREATE TABLE documents (key text PRIMARY KEY, size bigint NOT NULL, status text NOT NULL);
     CREATE TABLE pages (key text NOT NULL REFERENCES documents, number int NOT NULL, text text NOT NULL,
                         PRIMARY KEY (key, number))`,
  );
  const environment = {
    // For boto3 an empty variable is not an unset one.
    ...Object.fromEntries(Object.entries(bench.environment).filter(([, value]) => value !== "")),
    BENCH_REDIS: `redis://127.0.0.1:${port}/0`,
    BENCH_DATABASE: url.href,
    BENCH_BUCKET: bench.bucket,
    PYTHONPATH: folder,
    PYTHONUNBUFFERED: "1",
  };
  const args = [
    "-m",
    "celery",
    "-A",
    "pipeline",
    "worker",
    "--concurrency",
    String(processes),
    "--loglevel",
    "warning",
  ];
  // It says that it is ready on a level that is not shown; without its own chatter it is measured at its fastest.
  const worker = await startProcess(python, [...args, "--without-gossip", "--without-mingle"], /v5\.\S+/, environment);
  return {
    roots: { Redis: redis.pid, worker: worker.pid },
    async handIn(/** @type {string[]} */ keys) {
      const child = spawn(python, [`${folder}hand_in.py`], { env: environment, stdio: ["pipe", "inherit", "inherit"] });
      child.stdin.end(keys.join("\n"));
      await once(child, "exit");
    },
    async complete() {
      const { rows } = await database.query("SELECT count(*)::int AS count FROM documents WHERE status = 'complete'");
      return Number(rows[0].count);
    },
    async close() {
      await worker.stop();
      await redis.stop();
      await database.end();
    },
  };
}
