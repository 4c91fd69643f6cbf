-- Names are unqualified on purpose: they land in the schema that the connection's search_path (or `?schema=` under `prisma migrate deploy`) names.

-- CreateTable
CREATE TABLE "users" (
    "id" TEXT NOT NULL,
    "email" TEXT,
    "first_name" TEXT,
    "last_name" TEXT,
    "username" TEXT,
    "phone" TEXT,
    "image_url" TEXT,
    "role" TEXT,
    "external_id" TEXT,
    "status" TEXT,
    "last_sign_in_at" TIMESTAMPTZ(3),
    "public_metadata" JSONB,
    "private_metadata" JSONB,
    "unsafe_metadata" JSONB,
    "created_at" TIMESTAMPTZ(3),
    "updated_at" TIMESTAMPTZ(3),
    "synced_at" TIMESTAMPTZ(3) DEFAULT CURRENT_TIMESTAMP,
    "data" JSONB,

    CONSTRAINT "users_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "organizations" (
    "id" TEXT NOT NULL,
    "name" TEXT,
    "slug" TEXT,
    "image_url" TEXT,
    "members_count" INTEGER,
    "created_by" TEXT,
    "public_metadata" JSONB,
    "private_metadata" JSONB,
    "created_at" TIMESTAMPTZ(3),
    "updated_at" TIMESTAMPTZ(3),
    "synced_at" TIMESTAMPTZ(3) DEFAULT CURRENT_TIMESTAMP,
    "data" JSONB,

    CONSTRAINT "organizations_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "organization_memberships" (
    "id" TEXT NOT NULL,
    "organization_id" TEXT,
    "user_id" TEXT,
    "role" TEXT,
    "permissions" TEXT[],
    "public_metadata" JSONB,
    "created_at" TIMESTAMPTZ(3),
    "updated_at" TIMESTAMPTZ(3),
    "synced_at" TIMESTAMPTZ(3) DEFAULT CURRENT_TIMESTAMP,
    "data" JSONB,

    CONSTRAINT "organization_memberships_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "webhook_events" (
    "id" TEXT NOT NULL,
    "type" TEXT,
    "entity_type" TEXT,
    "entity_id" TEXT,
    "instance_id" TEXT,
    "occurred_at" TIMESTAMPTZ(3),
    "received_at" TIMESTAMPTZ(3),
    "processed_at" TIMESTAMPTZ(3),
    "outcome" TEXT,
    "error" TEXT,
    "payload" JSONB,

    CONSTRAINT "webhook_events_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "entity_versions" (
    "entity_type" TEXT NOT NULL,
    "entity_id" TEXT NOT NULL,
    "version_updated_at" TIMESTAMPTZ(3),
    "version_occurred_at" TIMESTAMPTZ(3),
    "version_event_id" TEXT,
    "deleted_at" TIMESTAMPTZ(3),

    CONSTRAINT "entity_versions_pkey" PRIMARY KEY ("entity_type","entity_id")
);

-- CreateIndex
CREATE INDEX "users_email_idx" ON "users"("email");

-- CreateIndex
CREATE INDEX "users_external_id_idx" ON "users"("external_id");

-- CreateIndex
CREATE INDEX "users_username_idx" ON "users"("username");

-- CreateIndex
CREATE INDEX "users_status_idx" ON "users"("status");

-- CreateIndex
CREATE INDEX "organizations_slug_idx" ON "organizations"("slug");

-- CreateIndex
CREATE INDEX "organizations_created_by_idx" ON "organizations"("created_by");

-- CreateIndex
CREATE INDEX "organization_memberships_organization_id_idx" ON "organization_memberships"("organization_id");

-- CreateIndex
CREATE INDEX "organization_memberships_user_id_idx" ON "organization_memberships"("user_id");

-- CreateIndex
CREATE INDEX "organization_memberships_role_idx" ON "organization_memberships"("role");

-- CreateIndex
CREATE INDEX "webhook_events_entity_type_entity_id_occurred_at_idx" ON "webhook_events"("entity_type", "entity_id", "occurred_at");

-- CreateIndex
CREATE INDEX "webhook_events_entity_id_occurred_at_idx" ON "webhook_events"("entity_id", "occurred_at");

-- CreateIndex
CREATE INDEX "webhook_events_outcome_processed_at_idx" ON "webhook_events"("outcome", "processed_at");

-- CreateIndex
CREATE INDEX "webhook_events_type_processed_at_idx" ON "webhook_events"("type", "processed_at");

-- CreateIndex
CREATE INDEX "webhook_events_processed_at_idx" ON "webhook_events"("processed_at");

-- CreateIndex
CREATE INDEX "entity_versions_entity_id_idx" ON "entity_versions"("entity_id");

-- CreateIndex
CREATE INDEX "entity_versions_deleted_at_idx" ON "entity_versions"("deleted_at");

-- AddForeignKey
ALTER TABLE "organization_memberships" ADD CONSTRAINT "organization_memberships_organization_id_fkey" FOREIGN KEY ("organization_id") REFERENCES "organizations"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "organization_memberships" ADD CONSTRAINT "organization_memberships_user_id_fkey" FOREIGN KEY ("user_id") REFERENCES "users"("id") ON DELETE CASCADE ON UPDATE CASCADE;


-- For readers who want what Clerk has confirmed: a placeholder, made by an event that only mentions the entity, has no data.
CREATE VIEW "active_users" AS
    SELECT * FROM "users" WHERE "data" IS NOT NULL AND "status" = 'active';

CREATE VIEW "active_organizations" AS
    SELECT * FROM "organizations" WHERE "data" IS NOT NULL;

CREATE VIEW "active_organization_memberships" AS
    SELECT m.* FROM "organization_memberships" m
    JOIN "active_users" u ON u."id" = m."user_id"
    JOIN "active_organizations" o ON o."id" = m."organization_id"
    WHERE m."data" IS NOT NULL;
