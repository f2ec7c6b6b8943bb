# The bundles of the pages for browsers.
FROM node:24-slim AS pages
WORKDIR /src
COPY scripts/build-pages scripts/
COPY app/graphql/server/graphiql app/graphql/server/graphiql/
COPY app/http/pages app/http/pages/
RUN scripts/build-pages && test -f app/graphql/server/graphiql/dist/manifest.json && test -f app/http/pages/reference/dist/manifest.json

# A virtual environment with the locked packages and the service, and the tools of the build beside it.
FROM python:3.13-slim AS builder
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /src
RUN python -m venv /opt/clientele && python -m venv /opt/build
COPY requirements.lock requirements-build.lock ./
RUN /opt/clientele/bin/pip install --require-hashes -r requirements.lock
RUN /opt/build/bin/pip install --require-hashes -r requirements-build.lock
COPY pyproject.toml README.md CHANGELOG.md LICENSE SECURITY.md schema.graphql ./
COPY scripts/package scripts/package/
COPY deploy deploy/
COPY docs docs/
COPY app app/
COPY migrations migrations/
COPY --from=pages /src/app/graphql/server/graphiql/dist app/graphql/server/graphiql/dist/
COPY --from=pages /src/app/http/pages/reference/dist app/http/pages/reference/dist/
RUN /opt/build/bin/hatchling build --target wheel --directory wheels
RUN /opt/clientele/bin/pip install --no-deps wheels/*.whl

# The service as a plain user. Migrations are a command of their own: docker run … clientele migrate.
FROM python:3.13-slim
RUN useradd --uid 10001 --user-group --no-create-home --home-dir /data clientele \
    && install --directory --owner=clientele --group=clientele --mode=0700 /data
COPY --from=builder /opt/clientele /opt/clientele
ENV PATH=/opt/clientele/bin:$PATH CLIENTELE_DATA_DIR=/data PYTHONUNBUFFERED=1 PYTHONUTF8=1
USER 10001:10001
WORKDIR /data
VOLUME /data
EXPOSE 8000
HEALTHCHECK --interval=15s --timeout=5s --start-period=60s CMD ["python", "-I", "-c", "import http.client, os; answer = http.client.HTTPConnection('127.0.0.1', int(os.environ.get('CLIENTELE_PORT') or 8000), timeout=4); answer.request('GET', '/healthz'); raise SystemExit(answer.getresponse().status != 200)"]
CMD ["clientele", "serve", "--host", "0.0.0.0"]
