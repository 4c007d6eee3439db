-- CreateSchema
CREATE SCHEMA IF NOT EXISTS "public";

-- CreateEnum
CREATE TYPE "engine" AS ENUM ('textract', 'local', 'textract-then-local');

-- CreateEnum
CREATE TYPE "document_status" AS ENUM ('received', 'processing', 'complete', 'failed', 'cancelled');

-- CreateEnum
CREATE TYPE "textract_job_state" AS ENUM ('intended', 'submitted', 'refused', 'succeeded', 'partial_success', 'failed', 'expired');

-- CreateEnum
CREATE TYPE "page_source" AS ENUM ('textract', 'text-layer', 'recognition');

-- CreateEnum
CREATE TYPE "breaker_state" AS ENUM ('closed', 'open', 'half-open');

-- CreateTable
CREATE TABLE "projects" (
    "id" UUID NOT NULL,
    "slug" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "projects_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "documents" (
    "id" UUID NOT NULL,
    "project_id" UUID NOT NULL,
    "bucket" TEXT NOT NULL,
    "key" TEXT NOT NULL,
    "object_version" TEXT,
    "status" "document_status" NOT NULL DEFAULT 'received',
    "engine" "engine" NOT NULL,
    "features" TEXT[],
    "workflow_id" TEXT NOT NULL,
    "run_id" TEXT NOT NULL,
    "expected_pages" INTEGER,
    "stored_pages" INTEGER,
    "characters" INTEGER,
    "mean_confidence" DOUBLE PRECISION,
    "cost_usd" DECIMAL(14,6) NOT NULL DEFAULT 0,
    "failure_type" TEXT,
    "failure_message" TEXT,
    "failure_remedy" TEXT,
    "received_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "started_at" TIMESTAMPTZ(3),
    "finished_at" TIMESTAMPTZ(3),

    CONSTRAINT "documents_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "document_metadata" (
    "document_id" UUID NOT NULL,
    "file_name" TEXT NOT NULL,
    "media_type" TEXT,
    "size_bytes" BIGINT,
    "sha256" CHAR(64),
    "etag" TEXT,
    "source" TEXT NOT NULL,
    "custom_fields" JSONB NOT NULL DEFAULT '{}',
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "document_metadata_pkey" PRIMARY KEY ("document_id")
);

-- CreateTable
CREATE TABLE "textract_jobs" (
    "id" UUID NOT NULL,
    "document_id" UUID NOT NULL,
    "attempt" INTEGER NOT NULL,
    "features" TEXT[],
    "token" TEXT NOT NULL,
    "region" TEXT NOT NULL,
    "content" TEXT NOT NULL,
    "bucket" TEXT NOT NULL,
    "key" TEXT NOT NULL,
    "object_version" TEXT,
    "run_id" TEXT NOT NULL,
    "job_id" TEXT,
    "state" "textract_job_state" NOT NULL DEFAULT 'intended',
    "status_message" TEXT,
    "pages" INTEGER,
    "cost_usd" DECIMAL(14,6),
    "intended_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "submitted_at" TIMESTAMPTZ(3),
    "finished_at" TIMESTAMPTZ(3),

    CONSTRAINT "textract_jobs_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "pages" (
    "document_id" UUID NOT NULL,
    "number" INTEGER NOT NULL,
    "text" TEXT NOT NULL,
    "characters" INTEGER NOT NULL,
    "confidence" DOUBLE PRECISION,
    "width" DOUBLE PRECISION,
    "height" DOUBLE PRECISION,
    "lines" JSONB NOT NULL,
    "source" "page_source" NOT NULL,
    "engine" "engine" NOT NULL,
    "raw_key" TEXT,
    "written_by" TEXT NOT NULL,
    "stored_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "search_vector" tsvector GENERATED ALWAYS AS (to_tsvector('english'::regconfig, "left"(text, 250000))) STORED,

    CONSTRAINT "pages_pkey" PRIMARY KEY ("document_id","number")
);

-- CreateTable
CREATE TABLE "circuit_breakers" (
    "name" TEXT NOT NULL,
    "state" "breaker_state" NOT NULL DEFAULT 'closed',
    "failures" INTEGER NOT NULL DEFAULT 0,
    "last_error" TEXT,
    "opened_at" TIMESTAMPTZ(3),
    "next_probe_at" TIMESTAMPTZ(3),
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "circuit_breakers_pkey" PRIMARY KEY ("name")
);

-- CreateTable
CREATE TABLE "document_events" (
    "id" BIGSERIAL NOT NULL,
    "document_id" UUID NOT NULL,
    "run_id" TEXT NOT NULL,
    "kind" TEXT NOT NULL,
    "discriminator" TEXT NOT NULL DEFAULT '',
    "detail" JSONB NOT NULL DEFAULT '{}',
    "at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "document_events_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE UNIQUE INDEX "projects_slug_key" ON "projects"("slug");

-- CreateIndex
CREATE INDEX "documents_project_id_status_idx" ON "documents"("project_id", "status");

-- CreateIndex
CREATE INDEX "documents_status_received_at_idx" ON "documents"("status", "received_at");

-- CreateIndex
CREATE INDEX "document_metadata_sha256_idx" ON "document_metadata"("sha256");

-- CreateIndex
CREATE UNIQUE INDEX "textract_jobs_token_key" ON "textract_jobs"("token");

-- CreateIndex
CREATE INDEX "textract_jobs_state_idx" ON "textract_jobs"("state");

-- CreateIndex
CREATE UNIQUE INDEX "textract_jobs_document_id_features_attempt_key" ON "textract_jobs"("document_id", "features", "attempt");

-- CreateIndex
CREATE UNIQUE INDEX "textract_jobs_region_job_id_key" ON "textract_jobs"("region", "job_id");

-- CreateIndex
CREATE INDEX "pages_search_vector_idx" ON "pages" USING GIN ("search_vector");

-- CreateIndex
CREATE INDEX "document_events_document_id_at_idx" ON "document_events"("document_id", "at");

-- CreateIndex
CREATE UNIQUE INDEX "document_events_document_id_run_id_kind_discriminator_key" ON "document_events"("document_id", "run_id", "kind", "discriminator");

-- AddForeignKey
ALTER TABLE "documents" ADD CONSTRAINT "documents_project_id_fkey" FOREIGN KEY ("project_id") REFERENCES "projects"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "document_metadata" ADD CONSTRAINT "document_metadata_document_id_fkey" FOREIGN KEY ("document_id") REFERENCES "documents"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "textract_jobs" ADD CONSTRAINT "textract_jobs_document_id_fkey" FOREIGN KEY ("document_id") REFERENCES "documents"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "pages" ADD CONSTRAINT "pages_document_id_fkey" FOREIGN KEY ("document_id") REFERENCES "documents"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "document_events" ADD CONSTRAINT "document_events_document_id_fkey" FOREIGN KEY ("document_id") REFERENCES "documents"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- What Prisma's schema language cannot express: the promises that the database keeps by itself.

ALTER TABLE "projects"
    ADD CONSTRAINT "projects_slug_check" CHECK ("slug" ~ '^[a-z0-9][a-z0-9-]{0,62}$');

ALTER TABLE "documents"
    ADD CONSTRAINT "documents_pages_check" CHECK ("expected_pages" > 0 AND "stored_pages" >= 0),
    ADD CONSTRAINT "documents_totals_check" CHECK ("characters" >= 0 AND "cost_usd" >= 0 AND "mean_confidence" BETWEEN 0 AND 100),
    -- Complete means that every page is accounted for.
    ADD CONSTRAINT "documents_complete_check" CHECK (
        "status" <> 'complete'
        OR ("expected_pages" IS NOT NULL AND "stored_pages" IS NOT DISTINCT FROM "expected_pages"
            AND "characters" IS NOT NULL AND "finished_at" IS NOT NULL AND "failure_type" IS NULL)
    ),
    -- Failed means that a cause and a remedy are known.
    ADD CONSTRAINT "documents_failed_check" CHECK (
        "status" NOT IN ('failed', 'cancelled')
        OR ("failure_type" IS NOT NULL AND "failure_message" IS NOT NULL AND "failure_remedy" IS NOT NULL
            AND "finished_at" IS NOT NULL)
    );

ALTER TABLE "document_metadata"
    ADD CONSTRAINT "document_metadata_size_check" CHECK ("size_bytes" >= 0),
    ADD CONSTRAINT "document_metadata_sha256_check" CHECK ("sha256" ~ '^[0-9a-f]{64}$'),
    ADD CONSTRAINT "document_metadata_custom_fields_check" CHECK (jsonb_typeof("custom_fields") = 'object');

ALTER TABLE "textract_jobs"
    ADD CONSTRAINT "textract_jobs_attempt_check" CHECK ("attempt" > 0),
    ADD CONSTRAINT "textract_jobs_token_check" CHECK ("token" ~ '^[a-zA-Z0-9_-]{1,64}$'),
    ADD CONSTRAINT "textract_jobs_cost_check" CHECK ("cost_usd" >= 0 AND "pages" >= 0),
    -- A job that Textract was seen to take has an id.
    ADD CONSTRAINT "textract_jobs_submitted_check" CHECK (
        "state" IN ('intended', 'refused', 'expired') OR ("job_id" IS NOT NULL AND "submitted_at" IS NOT NULL)
    );

ALTER TABLE "pages"
    ADD CONSTRAINT "pages_number_check" CHECK ("number" > 0),
    ADD CONSTRAINT "pages_confidence_check" CHECK ("confidence" BETWEEN 0 AND 100),
    ADD CONSTRAINT "pages_characters_check" CHECK ("characters" >= 0),
    ADD CONSTRAINT "pages_engine_check" CHECK ("engine" <> 'textract-then-local'),
    ADD CONSTRAINT "pages_lines_check" CHECK (jsonb_typeof("lines") = 'array');

-- A complete document stays complete until somebody starts it anew on purpose; its trail is only ever added to.
CREATE FUNCTION "document_events_append_only"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'document_events is append-only';
END;
$$;

CREATE TRIGGER "document_events_append_only"
    BEFORE UPDATE ON "document_events"
    FOR EACH ROW EXECUTE FUNCTION "document_events_append_only"();
