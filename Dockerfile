# syntax=docker/dockerfile:1
# One image for every process of Docket; the command chooses which (docs/operations.md, "Containers").
# glibc: the core of Temporal's SDK has no build for musl. bookworm: its Tesseract is 5.3, below. The version is kept up to
# date by renovate.json, which adds the digest.
ARG NODE_IMAGE=node:24.21.0-bookworm-slim

FROM ${NODE_IMAGE} AS build
WORKDIR /docket
COPY package.json package-lock.json .npmrc ./
# With the optional packages: the compilers' native builds are among them. They go again below, and so does the embedded
# PostgreSQL, which is for laptops.
RUN --mount=type=cache,target=/var/cache/npm npm ci --cache /var/cache/npm --no-audit --no-fund
COPY tsconfig.json tsconfig.build.json prisma.config.ts ./
COPY scripts/build.mjs scripts/prune-image.mjs scripts/schema-engine.mjs scripts/
COPY prisma prisma
COPY chaos chaos
COPY src src
COPY data data
# The workflow bundle is made here, once, and is the one that every worker of this version runs.
RUN npm run build \
    && npm prune --omit=dev --omit=optional --no-audit --no-fund \
    && node scripts/prune-image.mjs
# With `--build-arg OCR_LANGUAGES="deu fra"` their trained data is in the image beside English (docs/operations.md, "Containers").
ARG OCR_LANGUAGES=""
# The version is pinned; hadolint looks for it behind the first @, which is the scope's.
# hadolint ignore=DL3016
RUN --mount=type=cache,target=/var/cache/npm for language in $OCR_LANGUAGES; do \
      npm install --prefix languages --cache /var/cache/npm --ignore-scripts --no-audit --no-fund "@tesseract.js-data/$language@1.0.0" \
      && cp -r "languages/node_modules/@tesseract.js-data/$language" node_modules/@tesseract.js-data/ \
      || exit 1; \
    done

FROM ${NODE_IMAGE}
LABEL org.opencontainers.image.title="docket" \
      org.opencontainers.image.licenses="Apache-2.0"
# What src/worker/worker-environment.ts says of memory. Health on a port that the HEALTHCHECK knows. The root file system may be read-only: /tmp takes what lasts no longer than
# a process (a document while it is recognised), with the trained data unpacked once.
ENV NODE_ENV=production \
    MALLOC_ARENA_MAX=2 \
    DOCKET_HEALTH_PORT=9464 \
    XDG_CACHE_HOME=/tmp/cache
# With `--build-arg OCR_TESSERACT=/usr/bin/tesseract` local recognition takes two thirds of the processor time, by Debian's
# Tesseract with the trained data of npm, and the image is 110 MB larger (docs/operations.md, "Containers").
ARG OCR_TESSERACT=""
RUN if [ -n "$OCR_TESSERACT" ]; then \
      apt-get update && apt-get install --yes --no-install-recommends "tesseract-ocr=5.3.0-*" \
      && rm -rf /var/lib/apt/lists/* \
      && "$OCR_TESSERACT" --version; \
    fi
ENV DOCKET_OCR_TESSERACT=${OCR_TESSERACT}
# For what a process keeps in a volume (`--data-directory /data`).
RUN mkdir /data && chown 1000:1000 /data
WORKDIR /docket
COPY --from=build /docket/package.json ./
COPY --from=build /docket/node_modules node_modules
COPY --from=build /docket/prisma/migrations prisma/migrations
COPY --from=build /docket/data data
COPY --from=build /docket/dist dist
# By number, so that Kubernetes can see that it is not root.
USER 1000:1000
VOLUME /tmp
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=15s --timeout=5s --start-period=60s --retries=3 \
  CMD ["node", "-e", "fetch('http://127.0.0.1:' + process.env.DOCKET_HEALTH_PORT + '/healthz').then((answer) => process.exit(answer.ok ? 0 : 1), () => process.exit(1))"]
# node takes SIGTERM itself, and ends its children. As process 1 it would not collect what ended recognisers leave
# behind: `docker run --init` (compose.yaml and the Helm chart do as much).
ENTRYPOINT ["node", "--max-semi-space-size=4", "/docket/dist/cli/docket.js"]
CMD ["worker", "--queues", "documents,textract-submit,textract-results"]
