#!/usr/bin/env bash
# deploy.sh [--dry-run] up|smoke|down: facesite on Azure, step by step. docs/azure.md
# Each step looks first whether it is done, so after an error, or for a new version, the same command goes on.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)

dry_run=
if [[ ${1:-} == --dry-run ]]; then
  dry_run=1
  shift
fi
action=${1:-}

say() { printf '\n== %s\n' "$*"; }
die() {
  printf '%s\n' "$*" >&2
  exit 1
}

# ------------------------------------------------------------------------------------------------ what it is called

: "${NAME:=facesite}" "${LOCATION:=westeurope}" "${VERSION:=0.1.0}"
: "${NODE_SIZE:=Standard_D4s_v5}" "${DATABASE_SIZE:=Standard_D2ds_v5}" "${DATABASE_TIER:=GeneralPurpose}"
: "${CERT_MANAGER:=v1.17.1}"
[[ $action == down || -n ${HOST:-} ]] || die "Set HOST to the name that people and nodes will use, for instance faces.example.org."
[[ $action == down || -n ${EMAIL:-} ]] || die "Set EMAIL to where Let's Encrypt may write."
[[ $NAME =~ ^[a-z][a-z0-9]{2,11}$ ]] || die "NAME must be 3 to 12 small letters and digits, the first a letter."

group=$NAME
cluster=$NAME
network=$NAME
identity=$NAME
# These names are Azure's all over the world: the subscription makes them ours.
unique() { printf '%s%s' "$NAME" "$(printf '%s' "$subscription$NAME" | sha256sum | cut -c1-8)"; }

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
umask 077
export KUBECONFIG=$work/kubeconfig

# ------------------------------------------------------------------------------------------------ how steps are done

# change COMMAND...: does it, or with --dry-run says so.
change() {
  printf '+ %s\n' "${*//$work/TEMPORARY}" >&2
  [[ -n $dry_run ]] || "$@"
}

# there COMMAND...: whether it finds anything. With --dry-run nothing is there and nobody is asked.
there() { [[ -z $dry_run ]] && "$@" >/dev/null 2>&1; }

# ask WORD COMMAND...: what the command prints; with --dry-run the word.
ask() {
  local word=$1
  shift
  if [[ -n $dry_run ]]; then printf '%s' "$word"; else "$@" --output tsv; fi
}

# patiently COMMAND...: what Azure has just been told is not known to all of Azure yet.
patiently() {
  local attempt
  for attempt in 1 2 3 4 5 6 7 8 9 10; do
    "$@" && return 0
    [[ $attempt == 10 ]] || sleep "${PATIENCE:-20}"
  done
  return 1
}

# ------------------------------------------------------------------------------------------------ Azure's side

ensure_group() {
  say "Resource group $group"
  there az group show --name "$group" || change az group create --name "$group" --location "$LOCATION"
}

ensure_registry() {
  say "Registry $registry and images $VERSION"
  there az acr show --name "$registry" || change az acr create --resource-group "$group" --name "$registry" --sku Standard
  for target in web worker; do
    there az acr repository show --name "$registry" --image "facesite-$target:$VERSION" \
      || change az acr build --registry "$registry" --image "facesite-$target:$VERSION" --target "$target" \
        --file "$root/Dockerfile" "$root"
  done
}

ensure_network() {
  say "Network $network"
  there az network vnet show --resource-group "$group" --name "$network" \
    || change az network vnet create --resource-group "$group" --name "$network" --address-prefixes 10.40.0.0/20
  there az network vnet subnet show --resource-group "$group" --vnet-name "$network" --name cluster \
    || change az network vnet subnet create --resource-group "$group" --vnet-name "$network" --name cluster \
      --address-prefixes 10.40.0.0/22
  there az network vnet subnet show --resource-group "$group" --vnet-name "$network" --name database \
    || change az network vnet subnet create --resource-group "$group" --vnet-name "$network" --name database \
      --address-prefixes 10.40.8.0/24 --delegations Microsoft.DBforPostgreSQL/flexibleServers
}

ensure_identity() {
  say "Identity $identity, which the pods have"
  there az identity show --resource-group "$group" --name "$identity" \
    || change az identity create --resource-group "$group" --name "$identity"
  client=$(ask CLIENT-ID az identity show --resource-group "$group" --name "$identity" --query clientId)
  principal=$(ask PRINCIPAL-ID az identity show --resource-group "$group" --name "$identity" --query principalId)
}

# ensure_role PRINCIPAL TYPE ROLE SCOPE
ensure_role() {
  [[ -z $dry_run && -n $(az role assignment list --assignee "$1" --role "$3" --scope "$4" --query '[].id' --output tsv) ]] \
    || change patiently az role assignment create --assignee-object-id "$1" --assignee-principal-type "$2" --role "$3" \
      --scope "$4"
}

ensure_storage() {
  say "Storage $storage"
  # Without keys: whoever wants in has to be somebody.
  there az storage account show --resource-group "$group" --name "$storage" \
    || change az storage account create --resource-group "$group" --name "$storage" --sku Standard_ZRS \
      --min-tls-version TLS1_2 --allow-blob-public-access false --allow-shared-key-access false
  there az storage container-rm show --storage-account "$storage" --name facesite \
    || change az storage container-rm create --resource-group "$group" --storage-account "$storage" --name facesite
  ensure_role "$principal" ServicePrincipal "Storage Blob Data Contributor" \
    "$(ask STORAGE-ID az storage account show --resource-group "$group" --name "$storage" --query id)"
}

ensure_vault() {
  say "Key vault $vault, which keeps passwords and keys"
  if ! there az keyvault show --name "$vault"; then
    # A vault that was deleted keeps its name, and the keys that signed the models, for a while.
    if there az keyvault show-deleted --name "$vault"; then
      change az keyvault recover --name "$vault"
    else
      change az keyvault create --resource-group "$group" --name "$vault" --enable-rbac-authorization true
    fi
  fi
  ensure_role "$(ask MY-ID az ad signed-in-user show --query id)" User "Key Vault Secrets Officer" \
    "$(ask VAULT-ID az keyvault show --name "$vault" --query id)"

  # One secret for all of them, because some fit each other: they are kept together or not at all.
  # It is looked for in the list: to ask for it by name fails as well when the vault only does not answer, and keys made
  # anew would overwrite those that signed the models.
  local kept=
  [[ -n $dry_run ]] || kept=$(patiently az keyvault secret list --vault-name "$vault" --query "[?name=='facesite'].name" \
    --output tsv) || die "Key vault $vault does not say what it keeps. Try again: the same command goes on."
  if [[ -n $kept ]]; then
    az keyvault secret show --vault-name "$vault" --name facesite --query value --output tsv >"$work/secrets"
  else
    "$root/docker/make-secrets.sh" "$work/made" >/dev/null
    grep -hE '^(SECRET_KEY|METRICS_TOKEN|MODEL_VERIFY_KEYS|MODEL_SIGNING_KEY|POSTGRES_PASSWORD)=' "$work"/made/*.env >"$work/secrets"
    # By file, not as an option, which others could see.
    change patiently az keyvault secret set --vault-name "$vault" --name facesite --file "$work/secrets" --output none
  fi
  local line
  while read -r line; do printf '%s' "${line#*=}" >"$work/${line%%=*}"; done <"$work/secrets"
}

ensure_database() {
  say "Database $database"
  there az postgres flexible-server show --resource-group "$group" --name "$database" \
    || change az postgres flexible-server create --resource-group "$group" --name "$database" --location "$LOCATION" \
      --version 17 --tier "$DATABASE_TIER" --sku-name "$DATABASE_SIZE" --storage-size 64 --backup-retention 14 \
      --admin-user facesite --admin-password "@$work/POSTGRES_PASSWORD" --vnet "$network" --subnet database \
      --private-dns-zone "$database.private.postgres.database.azure.com" --yes
  there az postgres flexible-server db show --resource-group "$group" --server-name "$database" --name facesite \
    || change az postgres flexible-server db create --resource-group "$group" --server-name "$database" --name facesite
}

ensure_cluster() {
  say "Cluster $cluster"
  there az aks show --resource-group "$group" --name "$cluster" \
    || change az aks create --resource-group "$group" --name "$cluster" --location "$LOCATION" --tier standard \
      --vnet-subnet-id "$(ask SUBNET-ID az network vnet subnet show --resource-group "$group" --vnet-name "$network" \
        --name cluster --query id)" \
      --network-plugin azure --network-plugin-mode overlay --network-dataplane cilium --network-policy cilium \
      --pod-cidr 10.244.0.0/16 --service-cidr 10.41.0.0/16 --dns-service-ip 10.41.0.10 \
      --enable-oidc-issuer --enable-workload-identity --enable-keda --enable-gateway-api --enable-app-routing-istio \
      --attach-acr "$registry" --no-ssh-key \
      --nodepool-name management --nodepool-labels facesite/pool=management --node-vm-size "$NODE_SIZE" \
      --node-count 2 --enable-cluster-autoscaler --min-count 2 --max-count 4
  there az aks nodepool show --resource-group "$group" --cluster-name "$cluster" --name recognition \
    || change az aks nodepool add --resource-group "$group" --cluster-name "$cluster" --name recognition \
      --labels facesite/pool=recognition --node-vm-size "$NODE_SIZE" \
      --node-count 1 --enable-cluster-autoscaler --min-count 1 --max-count 10
  there az identity federated-credential show --resource-group "$group" --identity-name "$identity" --name "$cluster" \
    || change az identity federated-credential create --resource-group "$group" --identity-name "$identity" \
      --name "$cluster" --audiences api://AzureADTokenExchange --subject system:serviceaccount:facesite:facesite \
      --issuer "$(ask ISSUER az aks show --resource-group "$group" --name "$cluster" \
        --query oidcIssuerProfile.issuerUrl)"
}

# ------------------------------------------------------------------------------------------------ the cluster's side

connect() { change az aks get-credentials --resource-group "$group" --name "$cluster" --file "$KUBECONFIG" --overwrite-existing; }

ensure_cert_manager() {
  say "cert-manager $CERT_MANAGER"
  if ! there kubectl get deployment --namespace cert-manager cert-manager; then
    change kubectl apply --filename \
      "https://github.com/cert-manager/cert-manager/releases/download/$CERT_MANAGER/cert-manager.yaml"
  fi
  # It speaks to gateways only when it is told to.
  local arguments
  arguments=$(there true && kubectl get deployment --namespace cert-manager cert-manager \
    --output 'jsonpath={.spec.template.spec.containers[0].args}') || true
  [[ $arguments == *--enable-gateway-api* ]] || change kubectl --namespace cert-manager patch deployment cert-manager \
    --type json --patch '[{"op": "add", "path": "/spec/template/spec/containers/0/args/-", "value": "--enable-gateway-api"}]'
  change kubectl --namespace cert-manager rollout status deployment/cert-manager-webhook --timeout=5m
}

# The overlay `azure`, with the names of this deployment.
write_overlay() {
  local folder=$here/.deployed
  rm -rf "$folder"
  mkdir -p "$folder/site" "$folder/gateway"
  sed -e "s/@VERSION@/$VERSION/; s/@REGISTRY@/$registry/; s/@HOST@/$HOST/; s/@STORAGE@/$storage/; s/@CLIENT@/$client/" \
    "$here/site.template.yaml" >"$folder/site/kustomization.yaml"
  sed -e "s/@HOST@/$HOST/; s/@EMAIL@/$EMAIL/" "$here/gateway.template.yaml" >"$folder/gateway/kustomization.yaml"
}

# give NAME FILE...: the secret NAME of the files' names and contents, made or brought up to date.
give() {
  local name=$1 file
  shift
  local -a from=()
  for file in "$@"; do from+=("--from-file=$(basename "$file")=$file"); done
  change kubectl create secret generic "$name" --namespace facesite "${from[@]}" --dry-run=client --output yaml \
    >"$work/secret.yaml"
  change kubectl apply --server-side --filename "$work/secret.yaml"
}

give_secrets() {
  say "Secrets"
  change kubectl apply --server-side --filename "$root/k8s/base/namespace.yaml"
  # Encrypted, in a network of our own. That KEDA asks with the same words rules out a file of authorities.
  printf 'postgres://facesite:%s@%s.postgres.database.azure.com/facesite?sslmode=require' \
    "$(cat "$work/POSTGRES_PASSWORD")" "$database" >"$work/DATABASE_URL"
  printf 'redis://broker:6379/0' >"$work/BROKER_URL"
  give facesite "$work"/{SECRET_KEY,METRICS_TOKEN,MODEL_VERIFY_KEYS,DATABASE_URL,BROKER_URL}
  give facesite-training "$work/MODEL_SIGNING_KEY"
}

apply_all() {
  say "facesite $VERSION"
  write_overlay
  # A Job cannot be changed: the one of the former version goes.
  change kubectl delete job migration --namespace facesite --ignore-not-found
  change kubectl apply --server-side --kustomize "$here/.deployed/site"
  change kubectl apply --server-side --kustomize "$here/.deployed/gateway"
  change kubectl wait job/migration --namespace facesite --for=condition=Complete --timeout=15m
  local name
  for name in web-recognition web-management worker-recognition worker-maintenance scheduler; do
    change kubectl rollout status "deployment/$name" --namespace facesite --timeout=10m
  done
}

smoke() {
  say "Smoke test"
  local name
  for name in web-recognition web-management; do
    change kubectl exec "deployment/$name" --namespace facesite --container facesite -- python docker/alive.py web
  done
  change kubectl exec deployment/worker-recognition --namespace facesite --container facesite -- python docker/alive.py worker
  change kubectl exec deployment/web-management --namespace facesite --container facesite -- \
    python manage.py check --deploy --database default --fail-level ERROR
  local address
  address=ADDRESS
  [[ -n $dry_run ]] || address=$(kubectl get gateway facesite --namespace facesite-gateway \
    --output 'jsonpath={.status.addresses[0].value}')
  say "$HOST has to be an A record of $address. Then https://$HOST/readyz answers, once there is a certificate."
}

# ------------------------------------------------------------------------------------------------ what is done

[[ -n $dry_run ]] || command -v az >/dev/null || die "az is not installed."
[[ -n $dry_run ]] || command -v kubectl >/dev/null || die "kubectl is not installed: az aks install-cli"
subscription=$(ask SUBSCRIPTION az account show --query id) || die "Log in first: az login"
registry=$(unique) storage=$(unique) vault=$(unique) database=$(unique)

case $action in
  up)
    ensure_group
    ensure_registry
    ensure_network
    ensure_identity
    ensure_storage
    ensure_vault
    ensure_database
    ensure_cluster
    connect
    ensure_cert_manager
    give_secrets
    apply_all
    smoke
    ;;
  smoke)
    connect
    smoke
    ;;
  down)
    [[ -n $dry_run || ${CONFIRM:-} == "$group" ]] \
      || die "This deletes the resource group $group with everybody's faces in it. To do it: CONFIRM=$group deploy.sh down"
    there az group show --name "$group" || [[ -n $dry_run ]] || die "There is no resource group $group."
    change az group delete --name "$group" --yes
    ;;
  *)
    die "deploy.sh [--dry-run] up|smoke|down"
    ;;
esac
