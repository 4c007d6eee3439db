-- AlterTable
ALTER TABLE "documents" ADD COLUMN     "missing_pages" JSONB;

-- AlterTable
ALTER TABLE "textract_jobs" ADD COLUMN     "failed_pages" JSONB,
ADD COLUMN     "page_numbers" INTEGER[] DEFAULT ARRAY[]::INTEGER[],
ADD COLUMN     "stored_pages" INTEGER;

-- What Prisma's schema language cannot express.

ALTER TABLE "documents"
    -- Complete means that no page is missing; incomplete names those that are, with cause and remedy.
    ADD CONSTRAINT "documents_missing_pages_check" CHECK ("status" <> 'complete' OR "missing_pages" IS NULL),
    ADD CONSTRAINT "documents_incomplete_check" CHECK (
        "status" <> 'incomplete'
        OR ("missing_pages" IS NOT NULL AND jsonb_typeof("missing_pages") = 'array'
            AND jsonb_array_length("missing_pages") > 0 AND "expected_pages" IS NOT NULL
            AND "failure_type" IS NOT NULL AND "failure_message" IS NOT NULL AND "failure_remedy" IS NOT NULL
            AND "finished_at" IS NOT NULL)
    );

ALTER TABLE "textract_jobs"
    ADD CONSTRAINT "textract_jobs_page_numbers_check" CHECK (0 < ALL ("page_numbers")),
    ADD CONSTRAINT "textract_jobs_stored_pages_check" CHECK ("stored_pages" >= 0);
