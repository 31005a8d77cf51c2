SET LOCAL lock_timeout = '2s';
-- AlterTable
ALTER TABLE "customers" ADD COLUMN "name" TEXT;
