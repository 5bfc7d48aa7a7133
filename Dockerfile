# Images of facesite: docker build --target web|worker|edge|pack-builder. docs/compose.md tells how they fit together.
# What is not trivial is done by scripts in docker/, which run outside of a container just as well.

ARG PYTHON=python:3.11.16-slim-bookworm@sha256:2e32f7d302adc1c37428355c1e646897c0c53f4fd60b6a551245fb90ee129f91

FROM ${PYTHON} AS base
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_ROOT_USER_ACTION=ignore \
    HOME=/tmp
RUN groupadd --gid 10001 facesite && useradd --uid 10001 --gid 10001 --no-create-home --shell /usr/sbin/nologin facesite
WORKDIR /srv/facesite
# docker/build-images.sh adds version and revision.
LABEL org.opencontainers.image.title="facesite" \
      org.opencontainers.image.description="Self-hosted face recognition for many cameras over thin links" \
      org.opencontainers.image.base.name="docker.io/library/python:3.11.16-slim-bookworm"

# Libraries of the server. What installing them needs stays in this stage.
FROM base AS server-libraries
COPY docker/install-libraries.sh docker/constraints.txt docker/
COPY requirements-server.txt requirements-svm.txt requirements-traces.txt ./
# requirements-svm.txt: for CLASSIFIER=linear-svm; requirements-traces.txt: for TRACES=true.
ARG MORE=
RUN docker/install-libraries.sh /opt/venv requirements-server.txt ${MORE}

# The server's code.
FROM base AS code
COPY manage.py ./
COPY docker/start.sh docker/alive.py docker/build-packs.sh docker/collect-static.sh docker/
COPY templates templates
COPY static static
COPY facesite facesite
COPY access access
COPY detections detections
COPY people people
COPY recognition recognition
COPY detectors detectors
# Nothing can be compiled into a file system that is read-only.
RUN python3 -m compileall -q --invalidation-mode unchecked-hash .

# PyTorch is here and nowhere else.
FROM server-libraries AS pack-tools
# Wheels of PyTorch without CUDA, which building packs has no use for; empty: those of PyPI, several GB.
ARG PIP_EXTRA_INDEX_URL=https://download.pytorch.org/whl/cpu
COPY requirements-packs.txt .
RUN docker/install-libraries.sh /opt/venv requirements-server.txt requirements-packs.txt
COPY --from=code /srv/facesite /srv/facesite

# Packs that lie in docker/packs (of your own, or former ones), and those of the catalogue.
FROM pack-tools AS packs
COPY docker/packs /packs
RUN docker/build-packs.sh /packs

FROM pack-tools AS pack-builder
COPY --from=packs /packs /opt/facesite/packs
# What the demo makes.
RUN install -d -o 10001 -g 10001 -m 700 /data
ENV PACKS_DIR=/packs
USER 10001:10001
ENTRYPOINT ["docker/start.sh"]
CMD ["python", "manage.py", "packs", "list"]

FROM server-libraries AS static
COPY --from=code /srv/facesite /srv/facesite
RUN docker/collect-static.sh /srv/facesite/var

FROM base AS server
COPY --from=server-libraries /opt/venv /opt/venv
COPY --from=code /srv/facesite /srv/facesite
COPY --from=packs /packs /opt/facesite/packs
ENV PACKS_DIR=/opt/facesite/packs \
    METRICS_DIR=/tmp/metrics
USER 10001:10001
ENTRYPOINT ["docker/start.sh"]

FROM server AS worker
HEALTHCHECK --interval=30s --timeout=10s --start-period=60s CMD ["python", "docker/alive.py", "worker"]
CMD ["worker"]

FROM server AS web
COPY --from=static /srv/facesite/var/static /srv/facesite/var/static
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=10s --start-period=60s CMD ["python", "docker/alive.py", "web"]
CMD ["web"]

FROM base AS edge-libraries
COPY docker/install-libraries.sh docker/constraints.txt docker/
COPY edge_client/requirements.txt edge_client/
RUN docker/install-libraries.sh /opt/venv edge_client/requirements.txt

FROM base AS edge
COPY --from=edge-libraries /opt/venv /opt/venv
COPY --from=packs /packs/dlib-resnet/pnet.onnx /packs/dlib-resnet/rnet.onnx /packs/dlib-resnet/onet.onnx /opt/facesite/models/
COPY docker/alive.py docker/
COPY detectors detectors
COPY edge_client edge_client
# Where crops wait for the server. They are faces: nobody else may read them.
RUN install -d -o facesite -g facesite -m 700 /spool
VOLUME /spool
ENV FACESITE_DETECTOR_MODELS=/opt/facesite/models
USER 10001:10001
HEALTHCHECK --interval=30s --timeout=10s --start-period=60s CMD ["python", "docker/alive.py", "edge"]
ENTRYPOINT ["python", "-m", "edge_client"]
CMD ["run", "--config", "/etc/facesite-edge/edge.toml"]
