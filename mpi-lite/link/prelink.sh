#!/bin/sh
# Makes mpi.o of the MPI library's static library: one relocatable object with a Rust runtime of its own, of which only MPI's
# names are global. Functions keep their own sections, so that the final link with --gc-sections drops what a program
# does not call.
# usage: prelink.sh libunirank_mpi.a mpi.o
set -eu
lib=$1 out=$2
work=$(mktemp -d "$out.XXXXXX")
trap 'rm -rf "$work"' EXIT

# The public names: C functions (MPI_, PMPI_), Fortran's (mpi_x_, pmpi_x_), common blocks and helpers (mpipriv).
nm --defined-only "$lib" 2>/dev/null | awk '$2 ~ /^[A-Z]$/ && $3 ~ /^(P?MPI_[A-Za-z]|p?mpi_.*_$|mpipriv)/ { print $3 }' |
    sort -u > "$work/public"
test -s "$work/public" || { echo "prelink.sh: $lib defines no MPI function" >&2; exit 1; }

# They are the roots. --unique keeps the sections of different functions apart.
sed 's/^/-u /' "$work/public" > "$work/roots"
ld -r --gc-sections --unique --force-group-allocation -e PMPI_Init "@$work/roots" -o "$work/mpi.o" "$lib"
# std's objects carry LLVM bitcode, of which a linker plugin would make something else than what is in the sections.
# An object without .note.GNU-stack would make the linker give every program an executable stack.
objcopy --keep-global-symbols="$work/public" --strip-debug \
    --remove-section .llvmbc --remove-section .llvmcmd --remove-section .note.GNU-stack "$work/mpi.o"
objcopy --add-section .note.GNU-stack=/dev/null "$work/mpi.o"

# Names that only dropped code referred to would still pull their objects out of the C library.
readelf -rW "$work/mpi.o" | awk '$3 ~ /^R_X86_64_/ { print $5 }' | sort -u > "$work/used"
nm -u "$work/mpi.o" | awk '{ print $NF }' | sort -u | comm -23 - "$work/used" > "$work/unused"
# objcopy refuses an empty list.
test ! -s "$work/unused" || objcopy --strip-symbols="$work/unused" "$work/mpi.o"

# Strong references are to the C library and the unwinder in libgcc_eh; anything of Rust's means that an object is missing.
missing=$(nm -u "$work/mpi.o" | awk '$1 == "U" { print $2 }' | grep -E '^(_R|_ZN|rust_|__rust)' || true)
test -z "$missing" || { echo "prelink.sh: $lib lacks" $missing >&2; exit 1; }
mv "$work/mpi.o" "$out"
