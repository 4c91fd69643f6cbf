-- AlterTable
ALTER TABLE "entity_versions" ADD COLUMN     "erased_at" TIMESTAMPTZ(3);
