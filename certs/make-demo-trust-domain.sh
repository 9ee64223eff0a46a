#!/bin/sh
# Makes a trust domain for trying things out by hand: a root, and an SVID for
# each workload named. Needs openssl. The keys lie about unencrypted and the
# certificates hold for a month: this is no authority for real use.
#
#   certs/make-demo-trust-domain.sh DIR [TRUST_DOMAIN [WORKLOAD...]]
#
# leaves in DIR: ca.pem, ca.key, and NAME.crt and NAME.key for each workload,
# whose ID is spiffe://TRUST_DOMAIN/WORKLOAD. NAME is WORKLOAD's last segment:
# `web` for `ns/shop/sa/web`.
set -eu

if [ $# -lt 1 ]; then
    sed -n '2,/^set/s/^# \{0,1\}//p' "$0" >&2
    exit 2
fi
dir=$1
domain=${2:-example.org}
[ $# -ge 1 ] && shift
[ $# -ge 1 ] && shift
[ $# -ge 1 ] || set -- a b

mkdir -p "$dir"
if [ -e "$dir/ca.pem" ]; then
    echo "$dir/ca.pem is there already; choose another directory" >&2
    exit 1
fi
umask 077
config=$dir/openssl.cnf
trap 'rm -f "$config" "$dir/request.pem" "$dir/openssl.log"' EXIT

# openssl says how it gets on where others say what went wrong: keep it for
# when something does.
quietly() {
    "$@" 2> "$dir/openssl.log" || { cat "$dir/openssl.log" >&2; exit 1; }
}

cat > "$config" <<CONFIG
[req]
distinguished_name = name
prompt = no
[name]
O = Portreeve demo
CN = $domain
[root]
basicConstraints = critical, CA:true
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
subjectAltName = URI:spiffe://$domain
CONFIG
quietly openssl req -x509 -config "$config" -extensions root -days 3650 -sha256 -nodes \
    -newkey ec -pkeyopt ec_paramgen_curve:P-256 -keyout "$dir/ca.key" -out "$dir/ca.pem"

for workload in "$@"; do
    id=spiffe://$domain/$workload
    name=${workload##*/}
    cat > "$config" <<CONFIG
[req]
distinguished_name = name
prompt = no
[name]
[svid]
basicConstraints = critical, CA:false
keyUsage = critical, digitalSignature
extendedKeyUsage = serverAuth, clientAuth
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
subjectAltName = critical, URI:$id
CONFIG
    quietly openssl req -new -config "$config" -subj / -nodes -newkey ec \
        -pkeyopt ec_paramgen_curve:P-256 -keyout "$dir/$name.key" \
        -out "$dir/request.pem"
    quietly openssl x509 -req -in "$dir/request.pem" -CA "$dir/ca.pem" -CAkey "$dir/ca.key" \
        -set_serial "0x4$(openssl rand -hex 15)" -days 30 -sha256 \
        -extfile "$config" -extensions svid -out "$dir/$name.crt"
    echo "$id: $dir/$name.crt, $dir/$name.key"
done
chmod 644 "$dir"/*.crt "$dir/ca.pem"
