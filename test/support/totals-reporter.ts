import type { Reporter, TestModule, Vitest } from "vitest/node";

/** Names what was skipped, for want of a tool perhaps, and ends the run with one plain line of totals for programs. */
export default class TotalsReporter implements Reporter {
  #all = true;

  onInit({ config }: Vitest): void {
    this.#all = config.testNamePattern === undefined;
  }

  onTestRunEnd(modules: readonly TestModule[], unhandledErrors: readonly unknown[]): void {
    const totals = { passed: 0, failed: unhandledErrors.length, skipped: 0 };
    for (const module of modules) {
      if (module.errors().length > 0) totals.failed++;
      for (const test of module.children.allTests()) {
        const { state } = test.result();
        if (state === "passed" || state === "failed" || state === "skipped") totals[state]++;
        if (state === "skipped" && this.#all)
          process.stdout.write(`skipped: ${module.relativeModuleId}: ${test.fullName}\n`);
      }
    }
    const skipped = totals.skipped > 0 ? `, ${totals.skipped} skipped` : "";
    process.stdout.write(`${totals.passed} passed, ${totals.failed} failed${skipped}\n`);
  }
}
