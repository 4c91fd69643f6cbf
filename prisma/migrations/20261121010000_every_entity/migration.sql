-- CreateTable
CREATE TABLE "organization_invitations" (
    "id" TEXT NOT NULL,
    "organization_id" TEXT,
    "email" TEXT,
    "role" TEXT,
    "status" TEXT,
    "user_id" TEXT,
    "inviter_id" TEXT,
    "expires_at" TIMESTAMPTZ(3),
    "public_metadata" JSONB,
    "private_metadata" JSONB,
    "created_at" TIMESTAMPTZ(3),
    "updated_at" TIMESTAMPTZ(3),
    "synced_at" TIMESTAMPTZ(3) DEFAULT CURRENT_TIMESTAMP,
    "data" JSONB,

    CONSTRAINT "organization_invitations_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "organization_domains" (
    "id" TEXT NOT NULL,
    "organization_id" TEXT,
    "name" TEXT,
    "enrollment_mode" TEXT,
    "verification_status" TEXT,
    "affiliation_email" TEXT,
    "created_at" TIMESTAMPTZ(3),
    "updated_at" TIMESTAMPTZ(3),
    "synced_at" TIMESTAMPTZ(3) DEFAULT CURRENT_TIMESTAMP,
    "data" JSONB,

    CONSTRAINT "organization_domains_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "sessions" (
    "id" TEXT NOT NULL,
    "user_id" TEXT,
    "client_id" TEXT,
    "status" TEXT,
    "last_active_organization_id" TEXT,
    "last_active_at" TIMESTAMPTZ(3),
    "expire_at" TIMESTAMPTZ(3),
    "abandon_at" TIMESTAMPTZ(3),
    "created_at" TIMESTAMPTZ(3),
    "updated_at" TIMESTAMPTZ(3),
    "synced_at" TIMESTAMPTZ(3) DEFAULT CURRENT_TIMESTAMP,
    "data" JSONB,

    CONSTRAINT "sessions_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "roles" (
    "id" TEXT NOT NULL,
    "key" TEXT,
    "name" TEXT,
    "description" TEXT,
    "is_creator_eligible" BOOLEAN,
    "permissions" TEXT[],
    "created_at" TIMESTAMPTZ(3),
    "updated_at" TIMESTAMPTZ(3),
    "synced_at" TIMESTAMPTZ(3) DEFAULT CURRENT_TIMESTAMP,
    "data" JSONB,

    CONSTRAINT "roles_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "permissions" (
    "id" TEXT NOT NULL,
    "key" TEXT,
    "name" TEXT,
    "description" TEXT,
    "type" TEXT,
    "created_at" TIMESTAMPTZ(3),
    "updated_at" TIMESTAMPTZ(3),
    "synced_at" TIMESTAMPTZ(3) DEFAULT CURRENT_TIMESTAMP,
    "data" JSONB,

    CONSTRAINT "permissions_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "waitlist_entries" (
    "id" TEXT NOT NULL,
    "email" TEXT,
    "status" TEXT,
    "is_locked" BOOLEAN,
    "invitation_id" TEXT,
    "created_at" TIMESTAMPTZ(3),
    "updated_at" TIMESTAMPTZ(3),
    "synced_at" TIMESTAMPTZ(3) DEFAULT CURRENT_TIMESTAMP,
    "data" JSONB,

    CONSTRAINT "waitlist_entries_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "subscriptions" (
    "id" TEXT NOT NULL,
    "payer_id" TEXT,
    "user_id" TEXT,
    "organization_id" TEXT,
    "status" TEXT,
    "latest_payment_id" TEXT,
    "active_at" TIMESTAMPTZ(3),
    "past_due_at" TIMESTAMPTZ(3),
    "canceled_at" TIMESTAMPTZ(3),
    "ended_at" TIMESTAMPTZ(3),
    "created_at" TIMESTAMPTZ(3),
    "updated_at" TIMESTAMPTZ(3),
    "synced_at" TIMESTAMPTZ(3) DEFAULT CURRENT_TIMESTAMP,
    "data" JSONB,

    CONSTRAINT "subscriptions_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "subscription_items" (
    "id" TEXT NOT NULL,
    "subscription_id" TEXT,
    "payer_id" TEXT,
    "user_id" TEXT,
    "organization_id" TEXT,
    "status" TEXT,
    "plan_id" TEXT,
    "plan_slug" TEXT,
    "interval" TEXT,
    "is_free_trial" BOOLEAN,
    "quantity" INTEGER,
    "period_start" TIMESTAMPTZ(3),
    "period_end" TIMESTAMPTZ(3),
    "created_at" TIMESTAMPTZ(3),
    "updated_at" TIMESTAMPTZ(3),
    "synced_at" TIMESTAMPTZ(3) DEFAULT CURRENT_TIMESTAMP,
    "data" JSONB,

    CONSTRAINT "subscription_items_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "payment_attempts" (
    "id" TEXT NOT NULL,
    "payment_id" TEXT,
    "payer_id" TEXT,
    "user_id" TEXT,
    "organization_id" TEXT,
    "status" TEXT,
    "charge_type" TEXT,
    "amount" INTEGER,
    "currency" TEXT,
    "failed_code" TEXT,
    "billing_date" TIMESTAMPTZ(3),
    "paid_at" TIMESTAMPTZ(3),
    "failed_at" TIMESTAMPTZ(3),
    "created_at" TIMESTAMPTZ(3),
    "updated_at" TIMESTAMPTZ(3),
    "synced_at" TIMESTAMPTZ(3) DEFAULT CURRENT_TIMESTAMP,
    "data" JSONB,

    CONSTRAINT "payment_attempts_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "email_messages" (
    "id" TEXT NOT NULL,
    "user_id" TEXT,
    "email_address_id" TEXT,
    "to_email" TEXT,
    "slug" TEXT,
    "status" TEXT,
    "delivered_by_clerk" BOOLEAN,
    "created_at" TIMESTAMPTZ(3),
    "updated_at" TIMESTAMPTZ(3),
    "synced_at" TIMESTAMPTZ(3) DEFAULT CURRENT_TIMESTAMP,
    "data" JSONB,

    CONSTRAINT "email_messages_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "sms_messages" (
    "id" TEXT NOT NULL,
    "user_id" TEXT,
    "phone_number_id" TEXT,
    "to_phone" TEXT,
    "slug" TEXT,
    "status" TEXT,
    "delivered_by_clerk" BOOLEAN,
    "created_at" TIMESTAMPTZ(3),
    "updated_at" TIMESTAMPTZ(3),
    "synced_at" TIMESTAMPTZ(3) DEFAULT CURRENT_TIMESTAMP,
    "data" JSONB,

    CONSTRAINT "sms_messages_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE INDEX "organization_invitations_organization_id_idx" ON "organization_invitations"("organization_id");

-- CreateIndex
CREATE INDEX "organization_invitations_email_idx" ON "organization_invitations"("email");

-- CreateIndex
CREATE INDEX "organization_invitations_user_id_idx" ON "organization_invitations"("user_id");

-- CreateIndex
CREATE INDEX "organization_invitations_status_idx" ON "organization_invitations"("status");

-- CreateIndex
CREATE INDEX "organization_domains_organization_id_idx" ON "organization_domains"("organization_id");

-- CreateIndex
CREATE INDEX "organization_domains_name_idx" ON "organization_domains"("name");

-- CreateIndex
CREATE INDEX "sessions_user_id_idx" ON "sessions"("user_id");

-- CreateIndex
CREATE INDEX "sessions_status_idx" ON "sessions"("status");

-- CreateIndex
CREATE INDEX "sessions_client_id_idx" ON "sessions"("client_id");

-- CreateIndex
CREATE INDEX "roles_key_idx" ON "roles"("key");

-- CreateIndex
CREATE INDEX "permissions_key_idx" ON "permissions"("key");

-- CreateIndex
CREATE INDEX "waitlist_entries_email_idx" ON "waitlist_entries"("email");

-- CreateIndex
CREATE INDEX "waitlist_entries_status_idx" ON "waitlist_entries"("status");

-- CreateIndex
CREATE INDEX "subscriptions_user_id_idx" ON "subscriptions"("user_id");

-- CreateIndex
CREATE INDEX "subscriptions_organization_id_idx" ON "subscriptions"("organization_id");

-- CreateIndex
CREATE INDEX "subscriptions_payer_id_idx" ON "subscriptions"("payer_id");

-- CreateIndex
CREATE INDEX "subscriptions_status_idx" ON "subscriptions"("status");

-- CreateIndex
CREATE INDEX "subscription_items_subscription_id_idx" ON "subscription_items"("subscription_id");

-- CreateIndex
CREATE INDEX "subscription_items_user_id_idx" ON "subscription_items"("user_id");

-- CreateIndex
CREATE INDEX "subscription_items_organization_id_idx" ON "subscription_items"("organization_id");

-- CreateIndex
CREATE INDEX "subscription_items_plan_id_idx" ON "subscription_items"("plan_id");

-- CreateIndex
CREATE INDEX "subscription_items_status_idx" ON "subscription_items"("status");

-- CreateIndex
CREATE INDEX "payment_attempts_user_id_idx" ON "payment_attempts"("user_id");

-- CreateIndex
CREATE INDEX "payment_attempts_organization_id_idx" ON "payment_attempts"("organization_id");

-- CreateIndex
CREATE INDEX "payment_attempts_payer_id_idx" ON "payment_attempts"("payer_id");

-- CreateIndex
CREATE INDEX "payment_attempts_payment_id_idx" ON "payment_attempts"("payment_id");

-- CreateIndex
CREATE INDEX "payment_attempts_status_idx" ON "payment_attempts"("status");

-- CreateIndex
CREATE INDEX "email_messages_user_id_idx" ON "email_messages"("user_id");

-- CreateIndex
CREATE INDEX "email_messages_to_email_idx" ON "email_messages"("to_email");

-- CreateIndex
CREATE INDEX "email_messages_slug_idx" ON "email_messages"("slug");

-- CreateIndex
CREATE INDEX "sms_messages_user_id_idx" ON "sms_messages"("user_id");

-- CreateIndex
CREATE INDEX "sms_messages_to_phone_idx" ON "sms_messages"("to_phone");

-- CreateIndex
CREATE INDEX "sms_messages_slug_idx" ON "sms_messages"("slug");

-- AddForeignKey
ALTER TABLE "organization_invitations" ADD CONSTRAINT "organization_invitations_organization_id_fkey" FOREIGN KEY ("organization_id") REFERENCES "organizations"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "organization_domains" ADD CONSTRAINT "organization_domains_organization_id_fkey" FOREIGN KEY ("organization_id") REFERENCES "organizations"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "sessions" ADD CONSTRAINT "sessions_user_id_fkey" FOREIGN KEY ("user_id") REFERENCES "users"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- Clerk sends no event when an invitation expires: its status is derived when it is read.
CREATE VIEW "current_organization_invitations" AS
    SELECT *, CASE WHEN "status" = 'pending' AND "expires_at" <= now() THEN 'expired' ELSE "status" END AS "current_status"
    FROM "organization_invitations" WHERE "data" IS NOT NULL;
