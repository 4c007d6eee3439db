-- An index of expressions and of some rows, which Prisma cannot express: what waits in a batch, by project and priority,
-- so that the items of projects whose budget is reached are stepped over instead of read.
CREATE INDEX "batch_items_waiting_idx" ON "batch_items"
  ("batch_id", (coalesce("project", '')), (coalesce("priority", 0)), "position") WHERE "state" = 'waiting';
