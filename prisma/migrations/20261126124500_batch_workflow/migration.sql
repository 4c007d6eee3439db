-- AlterTable
ALTER TABLE "batch_items" ADD COLUMN     "failure_message" TEXT;

-- AlterTable
ALTER TABLE "batches" ADD COLUMN     "workflow_id" TEXT;

