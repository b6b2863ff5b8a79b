#!/bin/sh
# Makes hermit.o of the static library: one relocatable object with a Rust runtime of its own, of which only sys_* and the
# entry for programs without a C library are global. Functions keep their own sections, so that the final link with
# --gc-sections drops what a program does not call.
# usage: prelink.sh libunirank_hermit.a hermit.o
set -eu
lib=$1 out=$2
work=$(mktemp -d "$out.XXXXXX")
trap 'rm -rf "$work"' EXIT

nm --defined-only "$lib" 2>/dev/null | awk '$2 == "T" && $3 ~ /^(sys_|hermit_start$)/ { print $3 }' | sort -u > "$work/public"
test -s "$work/public" || { echo "prelink.sh: $lib defines no sys_ function" >&2; exit 1; }

# They are the roots. --unique keeps the sections of different functions apart.
sed 's/^/-u /' "$work/public" > "$work/roots"
ld -r --gc-sections --unique --force-group-allocation -e hermit_start "@$work/roots" -o "$work/hermit.o" "$lib"
# An object without .note.GNU-stack would make the linker give every program an executable stack.
objcopy --keep-global-symbols="$work/public" --strip-debug \
    --remove-section .llvmbc --remove-section .llvmcmd --remove-section .note.GNU-stack "$work/hermit.o"
objcopy --add-section .note.GNU-stack=/dev/null "$work/hermit.o"

# Names that only dropped code referred to.
readelf -rW "$work/hermit.o" | awk '$3 ~ /^R_X86_64_/ { print $5 }' | sort -u > "$work/used"
nm -u "$work/hermit.o" | awk '{ print $NF }' | sort -u | comm -23 - "$work/used" > "$work/unused"
# objcopy refuses an empty list.
test ! -s "$work/unused" || objcopy --strip-symbols="$work/unused" "$work/hermit.o"

missing=$(nm -u "$work/hermit.o" | awk '{ print $NF }' |
    grep -vxE 'k_direct_syscall|unirank_vm|__ehdr_start|_GLOBAL_OFFSET_TABLE_' || true)
test -z "$missing" || { echo "prelink.sh: $out needs symbols it must not need:" $missing >&2; exit 1; }
mv "$work/hermit.o" "$out"
