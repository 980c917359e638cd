# syntax=docker/dockerfile:1
FROM python:3.13-slim AS build
WORKDIR /src
COPY pyproject.toml README.md LICENSE ./
COPY ingest ingest
COPY workers workers
COPY migrations migrations
RUN python -m venv /venv && /venv/bin/pip install --no-cache-dir .

FROM python:3.13-slim
RUN useradd --system --no-create-home --uid 10001 ingest
COPY --from=build /venv /venv
ENV PATH=/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    INGEST_HOST=0.0.0.0 \
    INGEST_PORT=8080
USER ingest
EXPOSE 8080
# An API process by default; `ingest worker` and `ingest migrate` are the other two.
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s CMD ["python", "-c", \
    "import os, urllib.request as r; r.urlopen(f'http://127.0.0.1:{os.environ[\"INGEST_PORT\"]}/healthz', timeout=2)"]
CMD ["ingest", "serve"]
