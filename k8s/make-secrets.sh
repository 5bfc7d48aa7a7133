#!/bin/sh
# make-secrets.sh dev|production: the Secrets of the namespace facesite, once. For production DATABASE_URL and BROKER_URL
# come from the environment, and AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY unless the pods have an identity of their own.
set -eu
umask 077

here=$(dirname "$0")
made=$(mktemp -d)
trap 'rm -rf "$made"' EXIT

kubectl apply --server-side --filename "$here/base/namespace.yaml"
# The last that is made: its being there says that all are.
# A cluster that does not answer ends this, or keys made anew would overwrite those that are in use.
kept=$(kubectl --namespace facesite get secret facesite --ignore-not-found --output name)
if [ -n "$kept" ]; then
  echo "The secrets are there already."
  exit 0
fi

"$here/../docker/make-secrets.sh" "$made" >/dev/null
case ${1:-} in
dev)
  echo "BROKER_URL=redis://broker:6379/0" >>"$made/site.env"
  ;;
production)
  grep -E '^(SECRET_KEY|METRICS_TOKEN|MODEL_VERIFY_KEYS)=' "$made/site.env" >"$made/kept"
  {
    cat "$made/kept"
    echo "DATABASE_URL=${DATABASE_URL:?Set it: postgres://user:password@host/name?sslmode=require}"
    echo "BROKER_URL=${BROKER_URL:?Set it: rediss://:password@host:6379/0}"
    [ -z "${AWS_ACCESS_KEY_ID:-}" ] || echo "AWS_ACCESS_KEY_ID=$AWS_ACCESS_KEY_ID"
    [ -z "${AWS_SECRET_ACCESS_KEY:-}" ] || echo "AWS_SECRET_ACCESS_KEY=$AWS_SECRET_ACCESS_KEY"
  } >"$made/site.env"
  ;;
*)
  echo "make-secrets.sh dev|production" >&2
  exit 64
  ;;
esac

# give NAME OPTION: by file, not as options, which others could see. What a run that failed has left is replaced.
give() {
  kubectl create secret generic "$1" --namespace facesite "$2" --dry-run=client --output yaml >"$made/secret.yaml"
  kubectl apply --server-side --filename "$made/secret.yaml"
}

if [ "$1" = dev ]; then
  give facesite-database "--from-env-file=$made/database.env"
  give facesite-storage "--from-file=storage.json=$made/storage.json"
fi
give facesite-training "--from-env-file=$made/training.env"
give facesite "--from-env-file=$made/site.env"
echo "Made. Keep copies: without facesite-training nobody can sign models any more."
