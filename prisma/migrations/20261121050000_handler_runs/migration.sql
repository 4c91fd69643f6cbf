-- CreateTable: no foreign key to the ledger, whose rows must stay free to go and cheap to write
CREATE TABLE "handler_runs" (
    "event_id" TEXT NOT NULL,
    "handler" TEXT NOT NULL,
    "round" INTEGER NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL,
    "relayed_at" TIMESTAMPTZ(3),
    "finished_at" TIMESTAMPTZ(3),
    "outcome" TEXT,
    "attempts" INTEGER NOT NULL DEFAULT 0,
    "error" TEXT,

    CONSTRAINT "handler_runs_pkey" PRIMARY KEY ("event_id","handler")
);

-- CreateIndex
CREATE INDEX "handler_runs_relayed_at_created_at_idx" ON "handler_runs"("relayed_at", "created_at");

-- CreateIndex
CREATE INDEX "handler_runs_outcome_finished_at_idx" ON "handler_runs"("outcome", "finished_at");
