#!/bin/sh
# apply.sh OVERLAY: applies k8s/overlays/OVERLAY to the cluster of the current context, and waits until it serves.
set -eu

overlay=$(dirname "$0")/overlays/${1:?Which overlay? apply.sh dev|production|…}
if ! kubectl --namespace facesite get secret facesite facesite-training >/dev/null; then
  echo "There are no secrets yet: k8s/make-secrets.sh (docs/kubernetes.md)" >&2
  exit 1
fi

# A Job cannot be changed: the one of the former version goes.
kubectl --namespace facesite delete job migration --ignore-not-found
kubectl apply --server-side --kustomize "$overlay"
kubectl --namespace facesite wait job/migration --for=condition=Complete --timeout=15m
for name in web-recognition web-management worker-recognition worker-maintenance scheduler; do
  kubectl --namespace facesite rollout status "deployment/$name" --timeout=10m
done
