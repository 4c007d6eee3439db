-- AlterTable
ALTER TABLE "textract_jobs" ADD COLUMN     "notification_role_arn" TEXT,
ADD COLUMN     "notification_topic_arn" TEXT;

-- CreateIndex
CREATE INDEX "textract_jobs_job_id_idx" ON "textract_jobs"("job_id");

ALTER TABLE "textract_jobs"
    ADD CONSTRAINT "textract_jobs_channel_check" CHECK (("notification_topic_arn" IS NULL) = ("notification_role_arn" IS NULL));
