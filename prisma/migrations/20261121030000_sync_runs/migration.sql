-- CreateTable
CREATE TABLE "sync_runs" (
    "id" TEXT NOT NULL,
    "kind" TEXT NOT NULL,
    "instance_id" TEXT NOT NULL,
    "started_at" TIMESTAMPTZ(3) NOT NULL,
    "updated_at" TIMESTAMPTZ(3) NOT NULL,
    "finished_at" TIMESTAMPTZ(3),
    "progress" JSONB NOT NULL,

    CONSTRAINT "sync_runs_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE INDEX "sync_runs_kind_started_at_idx" ON "sync_runs"("kind", "started_at");

-- CreateTable: unlogged, for it is worth nothing after a crash
CREATE UNLOGGED TABLE "reconcile_seen" (
    "run_id" TEXT NOT NULL,
    "id" TEXT NOT NULL,

    CONSTRAINT "reconcile_seen_pkey" PRIMARY KEY ("run_id","id")
);
