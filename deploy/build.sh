#!/usr/bin/env bash
# Makes the Lambda package for the runtime provided.al2023: the binary `bootstrap`, alone in a zip.
#
#   deploy/build.sh              for this machine's own architecture, with cargo
#   deploy/build.sh --arm64      for arm64, which the template and the module expect unless they are told otherwise: with cargo
#                                on an arm64 machine, elsewhere with cargo lambda (https://www.cargo-lambda.info)
#   deploy/build.sh --x86_64     the same for x86_64
#   --ca-file FILE               puts FILE beside the binary as ca.pem: set `firewall.ca_file` to /var/task/ca.pem
#
# The zip is target/lambda/drawbridge.zip, or below CARGO_TARGET_DIR where that is set.
set -euo pipefail
cd "$(dirname "$0")/.."

# What provided.al2023 has. A binary that was linked against a newer one does not start there.
glibc_of_runtime=2.34

fail() { echo "build.sh: $*" >&2; exit 1; }

architecture_of() {
    case $1 in
        arm64 | aarch64) echo arm64 ;;
        x86_64 | amd64) echo x86_64 ;;
        *) fail "Lambda has no architecture \`$1\`: build for arm64 or x86_64" ;;
    esac
}

here=$(architecture_of "$(uname -m)")
architecture=$here
ca_file=
while [ $# -gt 0 ]; do
    case $1 in
        --arm64 | --x86_64) architecture=${1#--} ;;
        --ca-file)
            ca_file=${2:-}
            [ -r "$ca_file" ] || fail "the file \`$ca_file\` of --ca-file cannot be read"
            shift
            ;;
        *) fail "unknown argument \`$1\`: see the head of this file" ;;
    esac
    shift
done

target=${CARGO_TARGET_DIR:-target}
out=$target/lambda
zip=$out/drawbridge.zip
stage=$(mktemp -d)
trap 'rm -rf "$stage"' EXIT

# With cargo lambda wherever it is: it links against the runtime's glibc, and builds for the other architecture, too.
build_with_cargo_lambda() {
    local machine=x86_64
    [ "$architecture" = x86_64 ] || machine=aarch64
    cargo lambda build --release --locked --package drawbridge --bin drawbridge \
        --target "$machine-unknown-linux-gnu" --lambda-dir "$stage/built"
    cp "$stage/built/drawbridge/bootstrap" "$stage/bootstrap"
}

build_with_cargo() {
    cargo build --release --locked --package drawbridge --bin drawbridge
    cp "$target/release/drawbridge" "$stage/bootstrap"
}

if cargo lambda --version >/dev/null 2>&1; then
    build_with_cargo_lambda
elif [ "$architecture" = "$here" ] && [ "$(uname -s)" = Linux ]; then
    build_with_cargo
else
    fail "plain cargo builds for Linux on $here alone: install cargo lambda for $architecture"
fi

# The newest version of glibc that the binary asks for. Nothing is printed for a static one.
glibc_needed() {
    grep -aoE 'GLIBC_2\.[0-9]+' "$1" | sed 's/^GLIBC_//' | sort -V | tail -n 1
}

needed=$(glibc_needed "$stage/bootstrap" || true)
if [ -n "$needed" ] && [ "$(printf '%s\n' "$needed" "$glibc_of_runtime" | sort -V | tail -n 1)" != "$glibc_of_runtime" ]; then
    fail "the binary needs glibc $needed, and provided.al2023 has $glibc_of_runtime: build on Amazon Linux 2023, or install cargo lambda"
fi

chmod 755 "$stage/bootstrap"
files=(bootstrap)
if [ -n "$ca_file" ]; then
    cp "$ca_file" "$stage/ca.pem"
    chmod 644 "$stage/ca.pem"
    files+=(ca.pem)
fi
mkdir -p "$out"
cp "$stage/bootstrap" "$out/bootstrap"
rm -f "$zip"

# Equal inputs make equal packages, so that nothing is deployed that has not changed.
touch -d 1980-01-01T00:00:00Z "${files[@]/#/$stage/}"
absolute=$(cd "$out" && pwd)/drawbridge.zip
if command -v zip >/dev/null; then
    (cd "$stage" && TZ=UTC zip -q -X -9 "$absolute" "${files[@]}")
elif command -v python3 >/dev/null; then
    (cd "$stage" && python3 - "$absolute" "${files[@]}" <<'PYTHON'
import os, sys, zipfile

with zipfile.ZipFile(sys.argv[1], "w", zipfile.ZIP_DEFLATED, compresslevel=9) as package:
    for name in sys.argv[2:]:
        entry = zipfile.ZipInfo(name)
        entry.create_system = 3  # Unix: the permissions count
        entry.external_attr = (0o100000 | os.stat(name).st_mode & 0o777) << 16
        entry.compress_type = zipfile.ZIP_DEFLATED
        with open(name, "rb") as content:
            package.writestr(entry, content.read(), compresslevel=9)
PYTHON
    )
else
    fail "neither zip nor python3 is installed"
fi

size() { wc -c <"$1" | awk '{ printf "%.1f MB", $1 / 1e6 }'; }
echo "for      $architecture"
echo "binary   $(size "$out/bootstrap")  $out/bootstrap"
echo "package  $(size "$zip")  $zip"
