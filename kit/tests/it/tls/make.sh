#!/bin/sh
# Makes the certificates of these tests anew: two authorities, and of each one certificate for 127.0.0.1 that
# serves and calls. They are valid for a hundred years and protect nothing.
set -eu
cd "$(dirname "$0")"
for number in ${1-"" 2}; do
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 36500 \
        -subj "/CN=tests$number" -keyout ca.key -out "ca$number.crt"
    openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=tests" \
        -keyout "tls$number.key" -out tls.csr
    printf 'subjectAltName=IP:127.0.0.1\nbasicConstraints=CA:FALSE\n' > tls.ext
    openssl x509 -req -in tls.csr -CA "ca$number.crt" -CAkey ca.key -CAcreateserial -days 36500 \
        -extfile tls.ext -out "tls$number.crt"
    rm -f ca.key ./*.srl tls.csr tls.ext
done
