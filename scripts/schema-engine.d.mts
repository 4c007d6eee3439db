import type { MigrationList, SchemaEngine } from "@prisma/schema-engine-wasm";

export const migrationsDirectory: URL;

/** The migrations on disk, in the form that the engine takes. */
export function readMigrations(): MigrationList;

/**
 * Prisma's schema engine from its WebAssembly package.
 * @param connectionString a server on which a shadow database may be made; it is dropped afterwards
 */
export function createSchemaEngine(connectionString: string): Promise<SchemaEngine>;
