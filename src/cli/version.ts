import { readFileSync } from "node:fs";

const manifest = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8"));

/** Docket's version, as its package says. */
export const version: string = manifest.version;

/** Versions of Node that it runs on, as npm is told them. */
export const nodeRange: string = manifest.engines.node;
