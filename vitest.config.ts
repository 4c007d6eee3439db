import { defineConfig } from "vitest/config";

// The AWS SDK announces in every process that it will want a newer Node in 2027.
process.env["AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED"] = "true";
// Output is compared: a CI system that asks for colours would change it.
delete process.env["FORCE_COLOR"];

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    globalSetup: "test/support/global-setup.ts",
    reporters: ["default", "./test/support/totals-reporter.ts"],
    testTimeout: 300_000,
    hookTimeout: 300_000,
    // What is looked for comes by itself; a busy machine takes its time.
    expect: { poll: { timeout: 30_000 } },
    // The tests share one machine's PostgreSQL, Temporal and task queues.
    fileParallelism: false,
  },
});
