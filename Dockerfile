# syntax=docker/dockerfile:1
# One image for API processes, workers and migrations; for amd64 and arm64 alike, since every
# dependency has wheels for both.

# What browsers load: the same for every architecture. The image itself has no node.
FROM --platform=$BUILDPLATFORM node:24-slim AS front-end
WORKDIR /web
COPY ingest/web/package.json ingest/web/package-lock.json ingest/web/.npmrc ./
RUN npm ci --omit=dev
COPY ingest/web ./
RUN node build.mjs

FROM python:3.13-slim AS build
WORKDIR /src
RUN python -m venv /venv
# The dependencies are a layer of their own: it changes only with the lock file.
COPY requirements.lock ./
RUN /venv/bin/pip install --no-cache-dir --require-hashes --only-binary :all: -r requirements.lock
COPY pyproject.toml README.md LICENSE ./
COPY ingest ingest
COPY workers workers
COPY migrations migrations
COPY --from=front-end /web/static ingest/web/static
# It has been built already; by itself, the package's build would fetch a node of its own.
ENV HATCH_BUILD_NO_HOOKS=true
RUN /venv/bin/pip install --no-cache-dir --no-deps .

FROM python:3.13-slim
LABEL org.opencontainers.image.title="ingest" \
    org.opencontainers.image.description="Asynchronous batch ingestion: bulk endpoints that name every bad row and commit exactly once" \
    org.opencontainers.image.licenses="MIT"
RUN useradd --system --no-create-home --uid 10001 ingest
COPY --from=build /venv /venv
ENV PATH=/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    INGEST_HOST=0.0.0.0 \
    INGEST_PORT=8080
USER 10001
EXPOSE 8080
# An API process by default; `ingest worker` and `ingest migrate` are the other two.
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s CMD ["python", "-c", \
    "import os, urllib.request as r; r.urlopen(f'http://127.0.0.1:{os.environ[\"INGEST_PORT\"]}/healthz', timeout=2)"]
CMD ["ingest", "serve"]
