-- CreateTable
CREATE TABLE "textract_rates" (
    "region" TEXT NOT NULL,
    "operation" TEXT NOT NULL,
    "next_at" TIMESTAMPTZ(6) NOT NULL,

    CONSTRAINT "textract_rates_pkey" PRIMARY KEY ("region","operation")
);

-- CreateTable
CREATE TABLE "textract_turns" (
    "token" TEXT NOT NULL,
    "region" TEXT NOT NULL,
    "operation" TEXT NOT NULL,
    "priority" SMALLINT NOT NULL,
    "since" TIMESTAMPTZ(3) NOT NULL,
    "asks_again_at" TIMESTAMPTZ(3) NOT NULL,
    "admitted_at" TIMESTAMPTZ(3),

    CONSTRAINT "textract_turns_pkey" PRIMARY KEY ("token"),
    CONSTRAINT "textract_turns_priority_check" CHECK ("priority" BETWEEN 1 AND 5)
);

-- CreateIndex
CREATE INDEX "textract_turns_region_asks_again_at_idx" ON "textract_turns"("region", "asks_again_at");

-- CreateIndex
CREATE INDEX "textract_turns_region_operation_priority_since_token_idx" ON "textract_turns"("region", "operation", "priority", "since", "token");

-- CreateIndex
CREATE INDEX "textract_jobs_region_state_submitted_at_idx" ON "textract_jobs"("region", "state", "submitted_at");

-- AddForeignKey
ALTER TABLE "textract_turns" ADD CONSTRAINT "textract_turns_token_fkey" FOREIGN KEY ("token") REFERENCES "textract_jobs"("token") ON DELETE CASCADE ON UPDATE CASCADE;
