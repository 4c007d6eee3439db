-- AlterTable
ALTER TABLE "textract_jobs" ADD COLUMN     "object_etag" TEXT;
