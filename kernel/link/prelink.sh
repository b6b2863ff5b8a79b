#!/bin/sh
# Makes kernel.o of the kernel's static library: one relocatable object, unreferenced code removed, only the public symbols kept.
# usage: prelink.sh libunirank_kernel.a kernel.o
set -eu
lib=$1 out=$2
here=$(cd "$(dirname "$0")" && pwd)
# Only what the entry and the public symbols reach is taken out of the library: some distributions' compiler_builtins (Debian's)
# has C objects that need a C library.
# The one expected message: zero-initialised data becomes initialised data (see prelink.ld).
messages=$(ld -r --force-group-allocation --gc-sections -e k_start32 -u unirank_vm -u k_direct_syscall -T "$here/prelink.ld" -o "$out.tmp" \
    "$lib" 2>&1) || { echo "$messages" >&2; exit 1; }
echo "$messages" | grep -v -e 'type changed to PROGBITS' -e '^$' >&2 || true
objcopy --keep-global-symbol=unirank_vm --keep-global-symbol=k_direct_syscall --strip-debug -R .llvmbc -R .llvmcmd "$out.tmp"
# An object without this section would make the linker give every program an executable stack.
objcopy --add-section .note.GNU-stack=/dev/null "$out.tmp"
"$here/direct-calls.pl" "$out.tmp"
undefined=$(nm -u "$out.tmp" | awk '{print $NF}' | grep -vxE '_start|__ehdr_start|_GLOBAL_OFFSET_TABLE_' || true)
if [ -n "$undefined" ]; then
    echo "prelink.sh: $out needs symbols it must not need:" $undefined >&2
    rm -f "$out.tmp"
    exit 1
fi
mv "$out.tmp" "$out"
