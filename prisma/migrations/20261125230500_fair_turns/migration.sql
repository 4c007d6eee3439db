-- DropIndex
DROP INDEX "textract_turns_region_operation_priority_since_token_idx";

-- AlterTable
ALTER TABLE "textract_turns" ADD COLUMN     "fair_place" DOUBLE PRECISION NOT NULL DEFAULT 0,
ADD COLUMN     "project_id" UUID;

-- CreateTable
CREATE TABLE "textract_fair_clocks" (
    "region" TEXT NOT NULL,
    "operation" TEXT NOT NULL,
    "priority" SMALLINT NOT NULL,
    "served" DOUBLE PRECISION NOT NULL,

    CONSTRAINT "textract_fair_clocks_pkey" PRIMARY KEY ("region","operation","priority")
);

-- CreateIndex
CREATE INDEX "textract_turns_order_idx" ON "textract_turns"("region", "operation", "priority", "fair_place", "since", "token");

-- CreateIndex
CREATE INDEX "textract_turns_project_idx" ON "textract_turns"("region", "operation", "priority", "project_id", "fair_place");
