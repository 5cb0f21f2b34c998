# The shop in one image: web workers and the task worker under one supervisor, nothing but /data and /tmp written.
FROM python:3.13-slim AS build
COPY requirements.lock /tmp/
# Compiled here once: where the root is read-only nothing could be compiled later. pip itself stays behind.
RUN python3 -m venv /opt/madang \
    && /opt/madang/bin/pip install --no-cache-dir --disable-pip-version-check \
        --require-hashes --only-binary :all: -r /tmp/requirements.lock \
    && /opt/madang/bin/python -m pip uninstall --quiet --yes pip
WORKDIR /srv/madang
COPY db db
COPY sandbox sandbox
COPY tasks tasks
COPY app app
# What it is made of travels with it: /srv/madang/sbom.cdx.json.
COPY dev dev
COPY pyproject.toml requirements.lock ./
RUN python3 dev sbom > sbom.cdx.json && rm dev pyproject.toml requirements.lock
RUN /opt/madang/bin/python -m compileall -q --invalidation-mode unchecked-hash .

FROM python:3.13-slim
ENV PATH=/opt/madang/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    BIND=0.0.0.0:8000 \
    DATA_DIR=/data
# A number, so that an orchestrator can see that it is not root.
RUN mkdir -m 700 /data && chown 10001:10001 /data
COPY --from=build /opt/madang /opt/madang
COPY --from=build /srv/madang /srv/madang
WORKDIR /srv/madang
USER 10001:10001
VOLUME /data
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=3s --start-period=60s \
    CMD ["python", "-c", "import http.client, os, sys; c = http.client.HTTPConnection(os.environ['BIND'], timeout=2); c.request('GET', '/livez'); sys.exit(c.getresponse().status != 200)"]
CMD ["python", "-m", "app", "serve"]
