# Entry of a program for the target x86_64-unknown-hermit, or any other that has no C library but `runtime_entry`. An object
# of its own, hermit-start.o, where a C library has its start-up object.
.section .text._start, "ax", @progbits
.globl _start
_start:
    xorl %ebp, %ebp
    movq %rsp, %rdi
    movq $runtime_entry, %rsi
    andq $-16, %rsp
    call hermit_start
    ud2

# Memory functions, which Hermit exports, too: the kernel's.
.include "mem.s"

.section .note.GNU-stack, "", @progbits
