#!/bin/sh
# start.sh web|worker|scheduler: one process of an installation, in a container. Other commands are started as they are.
set -eu

demand() {
  for name in "$@"; do
    eval "value=\${$name:-}"
    if [ -z "$value" ]; then
      echo "$name is not set. A container keeps nothing, so what is made by itself on one machine has to be given:" \
        "docs/settings.md." >&2
      exit 64
    fi
  done
}

case ${1:-} in
web | worker | scheduler) demand SECRET_KEY DATABASE_URL BROKER_URL STORAGE_URL MODEL_VERIFY_KEYS ;;
esac

case ${1:-} in
web)
  exec gunicorn facesite.wsgi --config python:facesite.webserver --bind "0.0.0.0:${PORT:-8000}"
  ;;
worker)
  exec celery --quiet -A facesite worker --queues "${WORKER_QUEUES:-recognition,training}" \
    --concurrency "${WORKER_CONCURRENCY:-2}" --loglevel warning
  ;;
scheduler)
  exec celery --quiet -A facesite.scheduler beat --schedule /tmp/beat-schedule --pidfile= --loglevel warning
  ;;
*)
  exec "$@"
  ;;
esac
