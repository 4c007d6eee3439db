-- CreateEnum
CREATE TYPE "batch_item_state" AS ENUM ('waiting', 'claimed', 'started', 'reused', 'complete', 'incomplete', 'failed', 'cancelled');

-- CreateEnum
CREATE TYPE "batch_state" AS ENUM ('running', 'paused', 'cancelled', 'finished');

-- CreateTable
CREATE TABLE "batches" (
    "id" UUID NOT NULL,
    "source" TEXT NOT NULL,
    "project" TEXT NOT NULL,
    "engine" "engine" NOT NULL,
    "features" TEXT[],
    "force" BOOLEAN NOT NULL DEFAULT false,
    "state" "batch_state" NOT NULL DEFAULT 'running',
    "priority" SMALLINT NOT NULL,
    "window" INTEGER NOT NULL,
    "bucket" TEXT,
    "prefix" TEXT,
    "listed_key" TEXT,
    "only_new" BOOLEAN NOT NULL DEFAULT false,
    "closed_at" TIMESTAMPTZ(3),
    "total" INTEGER NOT NULL DEFAULT 0,
    "reused" INTEGER NOT NULL DEFAULT 0,
    "complete" INTEGER NOT NULL DEFAULT 0,
    "incomplete" INTEGER NOT NULL DEFAULT 0,
    "failed" INTEGER NOT NULL DEFAULT 0,
    "cancelled" INTEGER NOT NULL DEFAULT 0,
    "waiting_for" TEXT,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "finished_at" TIMESTAMPTZ(3),

    CONSTRAINT "batches_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "batch_items" (
    "id" UUID NOT NULL,
    "batch_id" UUID NOT NULL,
    "position" BIGSERIAL NOT NULL,
    "bucket" TEXT NOT NULL,
    "key" TEXT NOT NULL,
    "object_version" TEXT,
    "etag" TEXT,
    "sha256" CHAR(64),
    "file_name" TEXT,
    "source" TEXT,
    "project" TEXT,
    "priority" SMALLINT,
    "custom_fields" JSONB NOT NULL DEFAULT '{}',
    "document_id" UUID,
    "state" "batch_item_state" NOT NULL DEFAULT 'waiting',
    "claim" TEXT,
    "failure_type" TEXT,
    "started_at" TIMESTAMPTZ(3),
    "asked_at" TIMESTAMPTZ(3),
    "finished_at" TIMESTAMPTZ(3),

    CONSTRAINT "batch_items_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "project_budgets" (
    "project_id" UUID NOT NULL,
    "cap_usd" DECIMAL(14,6) NOT NULL,
    "monthly" BOOLEAN NOT NULL DEFAULT false,
    "period" TEXT NOT NULL,
    "committed_usd" DECIMAL(14,6) NOT NULL,
    "reached_at" TIMESTAMPTZ(3),
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "project_budgets_pkey" PRIMARY KEY ("project_id")
);

-- CreateTable
CREATE TABLE "budget_reservations" (
    "ledger_id" UUID NOT NULL,
    "project_id" UUID NOT NULL,
    "period" TEXT NOT NULL,
    "usd" DECIMAL(14,6) NOT NULL,
    "reserved_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "budget_reservations_pkey" PRIMARY KEY ("ledger_id")
);

-- CreateIndex
CREATE INDEX "batches_created_at_idx" ON "batches"("created_at");

-- CreateIndex
CREATE INDEX "batch_items_batch_id_state_priority_position_idx" ON "batch_items"("batch_id", "state", "priority", "position");

-- CreateIndex
CREATE INDEX "batch_items_batch_id_document_id_idx" ON "batch_items"("batch_id", "document_id");

-- CreateIndex
CREATE INDEX "batch_items_bucket_key_idx" ON "batch_items"("bucket", "key");

-- CreateIndex
CREATE INDEX "budget_reservations_project_id_idx" ON "budget_reservations"("project_id");

-- AddForeignKey
ALTER TABLE "batch_items" ADD CONSTRAINT "batch_items_batch_id_fkey" FOREIGN KEY ("batch_id") REFERENCES "batches"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "project_budgets" ADD CONSTRAINT "project_budgets_project_id_fkey" FOREIGN KEY ("project_id") REFERENCES "projects"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "budget_reservations" ADD CONSTRAINT "budget_reservations_ledger_id_fkey" FOREIGN KEY ("ledger_id") REFERENCES "textract_jobs"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- What Prisma's schema language cannot express.

ALTER TABLE "batches"
    ADD CONSTRAINT "batches_priority_check" CHECK ("priority" BETWEEN 1 AND 5),
    ADD CONSTRAINT "batches_window_check" CHECK ("window" BETWEEN 1 AND 1000),
    ADD CONSTRAINT "batches_prefix_check" CHECK (("bucket" IS NULL) = ("prefix" IS NULL)),
    ADD CONSTRAINT "batches_finished_check" CHECK (("state" IN ('cancelled', 'finished')) = ("finished_at" IS NOT NULL)),
    -- A document is counted once: the counters can never say more than there is.
    ADD CONSTRAINT "batches_counters_check" CHECK (
        LEAST("reused", "complete", "incomplete", "failed", "cancelled") >= 0
        AND "reused" + "complete" + "incomplete" + "failed" + "cancelled" <= "total"
    );

ALTER TABLE "batch_items"
    ADD CONSTRAINT "batch_items_priority_check" CHECK ("priority" BETWEEN 1 AND 5),
    ADD CONSTRAINT "batch_items_claim_check" CHECK ("state" <> 'claimed' OR "claim" IS NOT NULL),
    ADD CONSTRAINT "batch_items_started_check" CHECK ("state" <> 'started' OR "started_at" IS NOT NULL),
    ADD CONSTRAINT "batch_items_fields_check" CHECK (jsonb_typeof("custom_fields") = 'object');

ALTER TABLE "project_budgets"
    ADD CONSTRAINT "project_budgets_cap_check" CHECK ("cap_usd" >= 0),
    ADD CONSTRAINT "project_budgets_committed_check" CHECK ("committed_usd" >= 0);

ALTER TABLE "budget_reservations"
    ADD CONSTRAINT "budget_reservations_usd_check" CHECK ("usd" >= 0);
