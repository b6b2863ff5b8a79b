#!/bin/sh
# Installs what is missing of the system packages in packages.list, and a Rust toolchain, through apt; says which and
# why. With nothing missing it is silent and needs no rights. `--test` includes what only tests need; `--check` only
# tells what is missing, of all.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
missing='' sources_read=''
oldest_rust=$("$here/cargo" --oldest)
rust_reason="Rust 1.$oldest_rust or later, which unirank is written in"

present() {
    case $1 in
        cmd:*) command -v "${1#cmd:}" >/dev/null ;;
        file:*) [ -e "${1#file:}" ] ;;
        lib:*) command -v gcc >/dev/null && [ "$(gcc -print-file-name="${1#lib:}")" != "${1#lib:}" ] ;;
        # The names bindgen looks for; libclang-cpp is another library.
        libclang:) set -- /usr/lib/llvm-*/lib/libclang.so* /usr/lib/llvm-*/lib/libclang-[0-9]*.so* \
                /usr/lib/*/libclang.so* /usr/lib/*/libclang-[0-9]*.so*
            for library; do [ ! -e "$library" ] || return 0; done
            return 1 ;;
        *) echo "packages.list: unknown check $1" >&2; exit 2 ;;
    esac
}

need() { # package, why
    echo "missing: $1 ($2)"
    missing="$missing $1"
}

candidate_minor() { # the 1.N an apt package would install
    apt-cache policy "$1" 2>/dev/null | sed -n 's/^ *Candidate: 1\.\([0-9]*\).*/\1/p'
}

as_root() {
    if [ "$(id -u)" -eq 0 ]; then "$@"
    elif command -v sudo >/dev/null; then sudo "$@"
    else
        echo "neither root nor sudo: have an administrator run: $*" >&2
        exit 1
    fi
}

read_sources() {
    [ -n "$sources_read" ] && return
    sources_read=yes
    echo "reading the package lists (apt-get update)"
    as_root apt-get update -q >/dev/null || echo "apt-get update failed; trying with the lists at hand" >&2
}

# Debian 12: cargo-web, new enough in its security updates. Ubuntu 24.04: cargo-1.NN. Newer ones: cargo itself.
need_rust() {
    cargo_minor=$(candidate_minor cargo)
    if [ "${cargo_minor:-0}" -ge "$oldest_rust" ]; then need cargo "$rust_reason"; return; fi
    cargo_minor=$(candidate_minor cargo-web)
    if [ "${cargo_minor:-0}" -ge "$oldest_rust" ]; then
        need cargo-web "$rust_reason"; need rustfmt-web "checks the sources' format in make test"; return
    fi
    for minor in $(seq 150 -1 "$oldest_rust"); do
        if [ -n "$(candidate_minor "cargo-1.$minor")" ]; then
            need "cargo-1.$minor" "$rust_reason"; need "rustc-1.$minor" "$rust_reason"; return
        fi
    done
    echo "no package of the configured sources has Rust 1.$oldest_rust or later; install it from https://rustup.rs" >&2
    echo "(Debian 12 has it in its security updates: is bookworm-security among the sources?)" >&2
    exit 1
}

command -v apt-get >/dev/null || has_no_apt=yes
while IFS='|' read -r package check reason when; do
    package=$(echo "$package" | tr -d ' ') check=$(echo "$check" | tr -d ' ')
    case $package in ''|'#'*) continue ;; esac
    case $when,${1:-} in *test*,) continue ;; esac
    present "$check" || need "$package" "$(echo "$reason" | sed 's/^ *//; s/ *$//')"
done < "$here/packages.list"
if ! "$here/cargo" --find >/dev/null; then
    if [ "${1:-}" = --check ] || [ -n "${has_no_apt:-}" ]; then
        need cargo "$rust_reason"
    else
        read_sources
        need_rust
    fi
fi

[ -n "$missing" ] || exit 0
if [ "${1:-}" = --check ]; then exit 1; fi
if [ -n "${has_no_apt:-}" ]; then
    echo "this system has no apt-get: install the packages above in its own way" >&2
    exit 1
fi
read_sources
echo "installing:$missing"
# shellcheck disable=SC2086  # a list of names
as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends $missing
