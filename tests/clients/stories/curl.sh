# The story with curl: write and read a secret, miss one, encrypt and decrypt, be refused with another token.
set -eu
call() {
    method=$1 path=$2
    shift 2
    curl -sS ${VAULT_CACERT:+--cacert "$VAULT_CACERT"} -X "$method" -H "X-Vault-Token: ${token:-$VAULT_TOKEN}" "$@" "$VAULT_ADDR/v1/$path"
}
field() { sed -n "s/.*\"$1\":\"\([^\"]*\)\".*/\1/p"; }
status() { call GET "$1" -o /dev/null -w '%{http_code}'; }

call POST secret/data/app/db -d '{"data": {"password": "s3cr3t"}}' >/dev/null
password=$(call GET secret/data/app/db | field password)
absent=$(status secret/data/app/none)
sealed=$(call POST transit/encrypt/orders -d "{\"plaintext\": \"$(printf 'four score' | base64)\"}" | field ciphertext)
plaintext=$(call POST transit/decrypt/orders -d "{\"ciphertext\": \"$sealed\"}" | field plaintext | base64 -d)
refused=$(token=other status secret/data/app/db)
echo "{\"password\": \"$password\", \"absent\": $absent, \"plaintext\": \"$plaintext\", \"refused\": $refused}"
