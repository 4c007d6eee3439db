import { defineConfig } from "prisma/config";

// Prisma's native schema engine is downloaded from a host that some networks do not reach. Generating the
// client does not run it, so any executable satisfies the check for its presence.
process.env["PRISMA_SCHEMA_ENGINE_BINARY"] ??= process.execPath;

export default defineConfig({
  schema: "prisma/schema.prisma",
  migrations: { path: "prisma/migrations" },
  datasource: { url: process.env["DATABASE_URL"] ?? "postgresql://unset" },
});
