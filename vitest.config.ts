import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    globalSetup: "test/support/global-setup.ts",
    reporters: ["default", "./test/support/totals-reporter.ts"],
    // The AWS SDK announces to every test file that it will want a newer Node in 2027.
    env: { AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: "true" },
    testTimeout: 120_000,
    hookTimeout: 300_000,
    // The tests share one machine's PostgreSQL, Temporal and task queues.
    fileParallelism: false,
  },
});
