-- CreateTable
CREATE TABLE "page_corrections" (
    "document_id" UUID NOT NULL,
    "number" INTEGER NOT NULL,
    "text" TEXT NOT NULL,
    "characters" INTEGER NOT NULL,
    "corrected_by" TEXT NOT NULL,
    "corrected_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "search_vector" tsvector GENERATED ALWAYS AS (to_tsvector('english'::regconfig, "left"(text, 250000))) STORED,

    CONSTRAINT "page_corrections_pkey" PRIMARY KEY ("document_id","number")
);

-- CreateTable
CREATE TABLE "deletions" (
    "id" UUID NOT NULL,
    "document_id" UUID NOT NULL,
    "project" TEXT NOT NULL,
    "requested_by" TEXT NOT NULL,
    "reason" TEXT,
    "objects" INTEGER NOT NULL,
    "source_deleted" BOOLEAN NOT NULL,
    "pages" INTEGER,
    "cost_usd" DECIMAL(14,6) NOT NULL,
    "jobs" JSONB NOT NULL,
    "received_at" TIMESTAMPTZ(3) NOT NULL,
    "deleted_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "deletions_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "webhooks" (
    "id" UUID NOT NULL,
    "project_id" UUID NOT NULL,
    "url" TEXT NOT NULL,
    "secret" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "webhooks_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE INDEX "page_corrections_search_vector_idx" ON "page_corrections" USING GIN ("search_vector");

-- CreateIndex
CREATE INDEX "deletions_document_id_idx" ON "deletions"("document_id");

-- CreateIndex
CREATE INDEX "deletions_project_deleted_at_idx" ON "deletions"("project", "deleted_at");

-- CreateIndex
CREATE UNIQUE INDEX "webhooks_project_id_url_key" ON "webhooks"("project_id", "url");

-- AddForeignKey
ALTER TABLE "page_corrections" ADD CONSTRAINT "page_corrections_document_id_fkey" FOREIGN KEY ("document_id") REFERENCES "documents"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "webhooks" ADD CONSTRAINT "webhooks_project_id_fkey" FOREIGN KEY ("project_id") REFERENCES "projects"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- What Prisma's schema language cannot express.

ALTER TABLE "page_corrections"
    ADD CONSTRAINT "page_corrections_number_check" CHECK ("number" > 0),
    ADD CONSTRAINT "page_corrections_characters_check" CHECK ("characters" = char_length("text")),
    ADD CONSTRAINT "page_corrections_corrected_by_check" CHECK ("corrected_by" <> '');

ALTER TABLE "deletions"
    ADD CONSTRAINT "deletions_objects_check" CHECK ("objects" >= 0);

ALTER TABLE "webhooks"
    ADD CONSTRAINT "webhooks_url_check" CHECK ("url" ~ '^https?://'),
    ADD CONSTRAINT "webhooks_secret_check" CHECK ("secret" LIKE 'whsec_%');
