import { projectIdFromSlug } from "../contract/document-id.ts";
import type { Database, Executor } from "./client.ts";
import { Prisma } from "./generated/client.ts";

/** A webhook without its secret. */
export interface WebhookRecord {
  id: string;
  project: string;
  url: string;
  createdAt: Date;
}

/** Webhooks of one project. */
export const mostWebhooks = 20;

/** Ids of the webhooks that are told of a document. */
export async function webhooksOfDocument(executor: Executor, documentId: string): Promise<string[]> {
  const rows = await executor.$queryRaw<{ id: string }[]>`${selectWebhooks(documentId)}`;
  return rows.map(({ id }) => id);
}

/** The statement of {@link webhooksOfDocument}, also as a part of another one. */
export function selectWebhooks(documentId: string): Prisma.Sql {
  return Prisma.sql`
    SELECT w.id::text AS id FROM webhooks w JOIN documents d ON d.project_id = w.project_id
    WHERE d.id = ${documentId}::uuid ORDER BY w.created_at, w.id LIMIT ${mostWebhooks}::int`;
}

/** Adds a webhook to a project, which is made if it is not there; one with the same address gets the new secret. */
export async function addWebhook(
  database: Database,
  { id, project, url, secret }: { id: string; project: string; url: string; secret: string },
): Promise<{ id: string; createdAt: Date } | null> {
  return database.$transaction(async (transaction) => {
    await transaction.$executeRaw`
      INSERT INTO projects (id, slug) VALUES (${projectIdFromSlug(project)}::uuid, ${project})
      ON CONFLICT (slug) DO NOTHING`;
    const owner = await transaction.project.findUniqueOrThrow({ where: { slug: project }, select: { id: true } });
    const projectId = owner.id;
    const others = await transaction.webhook.count({ where: { projectId, url: { not: url } } });
    if (others >= mostWebhooks) return null;
    return transaction.webhook.upsert({
      where: { projectId_url: { projectId, url } },
      create: { id, projectId, url, secret },
      update: { secret },
      select: { id: true, createdAt: true },
    });
  });
}

/** Webhooks, of one project or of all, in the order in which they were added. */
export async function listWebhooks(database: Database, project: string | undefined): Promise<WebhookRecord[]> {
  const rows = await database.webhook.findMany({
    where: project === undefined ? {} : { project: { slug: project } },
    select: { id: true, url: true, createdAt: true, project: { select: { slug: true } } },
    orderBy: [{ createdAt: "asc" }, { id: "asc" }],
  });
  return rows.map(({ id, url, createdAt, project: { slug } }) => ({ id, project: slug, url, createdAt }));
}
