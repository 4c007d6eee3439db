// A PostgreSQL of its own with its data in a folder, until standard input ends: run inside a mount namespace, where the
// folder is a small file system that only this process and its children see.
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { Client } from "pg";
import { migrate } from "#docket/database/migrate";
import { startPostgres } from "#docket/local/postgres";

const [folder = ""] = process.argv.slice(2);
const logDirectory = join(folder, "logs");
await mkdir(logDirectory);
const postgres = await startPostgres(join(folder, "postgres"), { logDirectory, stateFolder: join(folder, "state") });
await migrate(postgres.url);
// A whole segment of the log is there before the disk is full: where PostgreSQL cannot begin another, it ends for good.
const client = new Client({ connectionString: postgres.url });
await client.connect();
await client.query("SELECT pg_switch_wal()");
await client.query("CHECKPOINT");
await client.end();
process.stdout.write(`${JSON.stringify({ url: postgres.url })}\n`);
for await (const _ of process.stdin);
await postgres.stop();
