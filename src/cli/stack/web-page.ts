import { loadConfig } from "../../config.ts";
import { createDatabase } from "../../database/client.ts";
import { createObjectStorage } from "../../storage/create-object-storage.ts";
import { sweepWorkFolders } from "../../storage/work-folder.ts";
import { startWebServer, type WebServer } from "../../web/server.ts";

const usualPort = 7080;

/**
 * The page in the browser for the services that an environment names.
 * @param port undefined: the usual one, or any free one when that is taken
 */
export async function openWebPage(environment: NodeJS.ProcessEnv, port?: number): Promise<WebServer> {
  const config = loadConfig(environment);
  await sweepWorkFolders();
  const database = createDatabase({ url: config.database.url, poolSize: 4 });
  const storage = createObjectStorage(config.storage);
  const release = async () => {
    storage.close();
    await database.$disconnect();
  };
  try {
    const server = await startWebServer({ database, storage, port: port ?? usualPort, otherPort: port === undefined });
    return {
      address: server.address,
      async close() {
        await server.close();
        await release();
      },
    };
  } catch (error) {
    await release();
    throw error;
  }
}
