FROM python:3.13.16-slim-bookworm AS build
# A mirror of PyPI: docker build --build-arg PIP_INDEX_URL=...; it does not stay in the image.
ARG PIP_INDEX_URL
WORKDIR /app
COPY requirements.lock requirements-traces.lock ./
RUN python -m venv --without-pip /venv \
    && pip --python /venv/bin/python install --no-cache-dir --disable-pip-version-check \
        --require-hashes -r requirements.lock -r requirements-traces.lock

FROM python:3.13.16-slim-bookworm
LABEL org.opencontainers.image.title="pandora-to-v1" \
      org.opencontainers.image.version="1.0.0" \
      org.opencontainers.image.description="An OpenAI-compatible API over a ChatGPT-web backend" \
      org.opencontainers.image.licenses="MIT"
ENV PATH=/venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    HOST=0.0.0.0 \
    PORT=33333 \
    STATE_DIR=/state
WORKDIR /app
COPY --from=build /venv /venv
COPY server.py gpts.json LICENSE ./
COPY access access
COPY accounts accounts
COPY activity activity
COPY catalogue catalogue
COPY commands commands
COPY console console
COPY continuity continuity
COPY front front
COPY handlers handlers
COPY kept kept
COPY ledger ledger
COPY logs logs
COPY media media
COPY metrics metrics
COPY migration migration
COPY oversight oversight
COPY pool pool
COPY recordings recordings
COPY roster roster
COPY runtime runtime
COPY settings settings
COPY simulator simulator
COPY tracing tracing
COPY translate translate
COPY transport transport
COPY turns turns
COPY uploads uploads
COPY upstream upstream
COPY wiring wiring
# Compiled here, since the root file system of a container is read-only: otherwise each start would compile.
RUN python -m compileall -q . && mkdir /state && chown 10001:10001 /state
USER 10001:10001
VOLUME /state
EXPOSE 33333
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=15s --timeout=3s --start-period=30s --start-interval=1s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request; urllib.request.urlopen('http://127.0.0.1:' + os.environ['PORT'] + '/healthz', timeout=2)"]
ENTRYPOINT ["python", "server.py"]
