#!/bin/bash
# Boots small programs of every language with the kernel alone, under every accelerator at hand, and checks how they end.
# usage: run.sh kernel.o     Needs: gcc, g++, gfortran, rustc (or what RUSTC names), qemu-system-x86_64.
set -uo pipefail
kernel=$(realpath "$1")
here=$(cd "$(dirname "$0")" && pwd)
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
cd "$out"
link=(-static -no-pie -Wl,-z,norelro -Wl,-z,noseparate-code -Wl,--eh-frame-hdr)
passed=0 failed=0

build() {
    local name
    for name in hello faults signals memory clocks fuzz; do
        gcc -O1 -g -fno-pic -w "$here/$name.c" "${link[@]}" "$kernel" -lm -o "$name" || exit 1
    done
    g++ -O2 -fno-pic "$here/hello.cc" "${link[@]}" "$kernel" -o hello-cc || exit 1
    gfortran -O2 -fno-pic "$here/hello.f90" "${link[@]}" "$kernel" -o hello-f90 2>/dev/null || exit 1
    "${RUSTC:-rustc}" --edition 2021 -O -C target-feature=+crt-static -C relocation-model=static -C link-arg="$kernel" -C link-arg=-no-pie \
        -C link-arg=-Wl,-z,norelro -C link-arg=-Wl,-z,noseparate-code -C link-arg=-Wl,--eh-frame-hdr \
        -o hello-rs "$here/hello.rs" || exit 1
}

# [processors=N] boot MiB program arguments...: leaves the files stdout, stderr, ctl
boot() {
    local memory=$1 program=$2 argument
    shift 2
    rm -f stdout stderr ctl
    { printf 'version=1\0cpus=%s\0arg=%s\0env=NAME=value\0' "${processors:-1}" "$program"; for argument; do printf 'arg=%s\0' "$argument"; done; } >config
    timeout 120 qemu-system-x86_64 -M microvm,pcie=on -nodefaults -no-user-config -accel "$accelerator" \
        -cpu max,-arch-capabilities -smp "${processors:-1},sockets=1,cores=${processors:-1}" -global virtio-mmio.force-legacy=false -display none -no-reboot -m "$memory" \
        -device isa-debug-exit,iobase=0x501,iosize=4 -kernel "$program" -initrd config \
        -device virtio-serial-device,max_ports=4,id=serial \
        -chardev file,id=out,path=stdout -device virtserialport,chardev=out,bus=serial.0,nr=1 \
        -chardev file,id=err,path=stderr -device virtserialport,chardev=err,bus=serial.0,nr=2 \
        -chardev file,id=ctl,path=ctl -device virtserialport,chardev=ctl,bus=serial.0,nr=3 2>qemu
}

# expect status pattern file: how the last boot must have ended
expect() {
    local status=$1 pattern=$2 file=$3
    if [ "$(tail -n 1 ctl)" = "exit $status" ] && grep -aqE "$pattern" "$file"; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "FAILED ($accelerator): $what: wanted exit $status and /$pattern/ in $file, got:"
        head -c 2000 stdout stderr ctl qemu
    fi
}

fault() {
    what="faults $1"
    boot 64 faults "$1"
    expect "$2" "\"cause\":\"$3.*\"backtrace\":\\[\"0x[0-9a-f]+\",\"0x" ctl
}

build
accelerators=tcg
[ -w /dev/kvm ] && accelerators="kvm tcg"
for accelerator in $accelerators; do
    what=hello.c; boot 64 hello one last; expect 3 '^argc=3 last=last env=value pi=3.1415926536 byte=7$' stdout
    what=hello.cc; boot 64 hello-cc; expect 0 '^unwound unwound unwound caught thrown$' stdout
    what=thread; expect 0 '^threaded$' stdout
    what=hello.f90; boot 64 hello-f90; expect 0 '^product is positive T  1$' stdout
    what=hello.rs; boot 64 hello-rs; expect 0 '^slept true caught true map \{1: 2\} threads 1 joined Some\(7\)$' stdout
    what=panic; expect 0 'boom' stderr
    what=signals; boot 64 signals
    expect 0 '^null divide overflow$' stdout
    expect 0 '^repaired 9 vectors 1 1 pid 1$' stdout
    expect 0 '^blocked 1 delivered 2$' stdout
    expect 0 '^skipped 42 alarm 3 queued 1 value 7$' stdout
    what=clocks; boot 64 clocks; expect 0 "^vdso 1 used 1 fault 11$" stdout
    what=memory; boot 128 memory; expect 0 '^most of it 1 and again 1$' stdout
    what='out of memory'; expect 0 '^note out of memory: ' ctl
    for seed in 1 2 3 4 5; do
        what="fuzz $seed"; boot 64 fuzz $seed; expect 0 '^survived$' stderr
    done
    for seed in 1 2 3; do
        what="fuzz $seed, 6 threads on 2 processors"
        processors=2 boot 256 fuzz $seed 6; expect 0 '^survived$' stderr
    done
    what='too little memory'; boot 6 hello; expect 1 '^abort 1 not enough memory: ' ctl
    fault null 139 'null pointer: write to address 0x8"'
    fault divide 136 'divide error'
    fault illegal 132 'invalid instruction'
    fault privileged 139 'general protection fault: privileged instruction'
    fault deep 139 'stack overflow'
    fault wide 139 'stack overflow'
    fault abort 134 'the program aborted'
    fault jump 139 'page fault: jump to unmapped address 0x12345678'
    fault readonly 139 'page fault: write to read-only memory'
    fault noexec 139 'page fault: jump to non-executable memory'
    fault unmapped 139 'page fault: write to unmapped address'
    fault noncanonical 139 'general protection fault'
    # TCG never raises the exceptions of vector arithmetic.
    [ "$accelerator" = tcg ] || fault float 136 'floating point exception: division by zero'
    fault deadlock 134 'deadlock'
    fault raise 143 'the program ended itself with SIGTERM'
done
echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
