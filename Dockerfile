# One image for every process and command: `./run.mjs ingest`, `worker`, `board`, `migrate`, `why ID` and so on.
# `npm run rehearse` carries these steps out where there is no Docker.
FROM node:24.21-bookworm-slim AS build
WORKDIR /app
# Before the sources: a change of those does not install the packages again.
COPY package.json package-lock.json .npmrc ./
RUN npm ci --omit=optional --no-audit --no-fund
COPY tsconfig.json tsconfig.build.json ./
COPY scripts/generate-client.mjs ./scripts/
COPY prisma ./prisma
COPY src ./src
# Prisma brings its query compiler for each database, twice, as base64: half of all that is installed. Source maps and types are nothing to Node.
RUN npm run build && npm prune --omit=dev --omit=optional --no-audit --no-fund \
  && find node_modules/@prisma/client/runtime -name 'query_compiler_*' ! -name '*.postgresql.*' -delete \
  && find node_modules -type f '(' -name '*.map' -o -name '*.d.ts' -o -name '*.d.mts' -o -name '*.d.cts' ')' -delete

FROM node:24.21-bookworm-slim
LABEL org.opencontainers.image.title="clerk-sync" \
      org.opencontainers.image.licenses="MIT"
ENV NODE_ENV=production
WORKDIR /app
COPY package.json LICENSE run.mjs ./
COPY scripts/healthcheck.mjs ./scripts/
COPY prisma/migrations ./prisma/migrations
COPY --from=build /app/node_modules ./node_modules
COPY --from=build /app/dist ./dist
# Everything above is root's: the process can change nothing, and needs no writable file system.
# By number, or Kubernetes cannot tell that it is not root.
USER 1000:1000
EXPOSE 4000 4001 4002 4003
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=20s --retries=3 \
  CMD ["node", "scripts/healthcheck.mjs"]
CMD ["./run.mjs", "ingest"]
