-- AlterTable
ALTER TABLE "batches" ADD COLUMN     "failure_message" TEXT,
ADD COLUMN     "failure_remedy" TEXT,
ADD COLUMN     "failure_type" TEXT;

-- What Prisma's schema language cannot express.

ALTER TABLE "batches"
    -- A failure is told with its cause and its remedy, and only of a batch that has ended by it.
    ADD CONSTRAINT "batches_failure_check" CHECK (
        num_nulls("failure_type", "failure_message", "failure_remedy") IN (0, 3)
        AND ("failure_type" IS NULL OR "state" = 'cancelled')
    );
