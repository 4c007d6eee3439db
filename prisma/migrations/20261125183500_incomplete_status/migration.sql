-- AlterEnum
-- In a migration of its own: PostgreSQL lets a new value be used only after the transaction that added it.
ALTER TYPE "document_status" ADD VALUE 'incomplete';
