import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    globalSetup: "test/support/global-setup.ts",
    reporters: ["default", "./test/support/totals-reporter.ts"],
    testTimeout: 120_000,
    hookTimeout: 300_000,
    // The tests share one machine's PostgreSQL, Temporal and task queues.
    fileParallelism: false,
  },
});
