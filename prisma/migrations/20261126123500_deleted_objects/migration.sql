-- AlterTable
ALTER TABLE "deletions" ADD COLUMN     "object_digests" TEXT[] DEFAULT ARRAY[]::TEXT[];

-- CreateIndex
CREATE INDEX "deletions_object_digests_idx" ON "deletions" USING GIN ("object_digests");
