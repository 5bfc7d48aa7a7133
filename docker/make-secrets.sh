#!/bin/sh
# make-secrets.sh [FOLDER]: makes the passwords and keys of an installation, once, as files of variables: for
# docker-compose.yml in docker/secrets, for a cluster wherever they are wanted. What is there already stays as it is.
set -eu
umask 077

folder=${1:-$(dirname "$0")/secrets}
mkdir -p "$folder"

random() { openssl rand -hex "$1"; }

write() { # write NAME: keeps standard input as the file NAME
  cat >"$folder/$1.new"
  mv "$folder/$1.new" "$folder/$1"
}

if [ -e "$folder/site.env" ]; then
  echo "The secrets in $folder are there already."
  exit 0
fi

password=$(random 24)
storage_id=$(random 10)
storage_key=$(random 20)
# The last 32 bytes of an Ed25519 key's DER are the key itself.
openssl genpkey -algorithm ed25519 -outform DER -out "$folder/signing.der"
private=$(tail -c 32 "$folder/signing.der" | base64)
public=$(openssl pkey -inform DER -in "$folder/signing.der" -pubout -outform DER | tail -c 32 | base64)
rm "$folder/signing.der"

write database.env <<END
POSTGRES_PASSWORD=$password
END
write storage.json <<END
{"identities": [{"name": "facesite", "credentials": [{"accessKey": "$storage_id", "secretKey": "$storage_key"}],
  "actions": ["Admin", "Read", "Write", "List"]}]}
END
write training.env <<END
MODEL_SIGNING_KEY=$private
END
# Last: its being there says that all are.
write site.env <<END
SECRET_KEY=$(random 32)
METRICS_TOKEN=$(random 24)
DATABASE_URL=postgres://facesite:$password@database/facesite
MODEL_VERIFY_KEYS=$public
AWS_ACCESS_KEY_ID=$storage_id
AWS_SECRET_ACCESS_KEY=$storage_key
END
echo "Made the secrets in $folder. Keep a copy of training.env: models are signed with what is in it."
