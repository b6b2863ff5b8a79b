# The vDSO: a shared object (System V gABI, chapters 4 and 5) in the image, of which the C library learns by AT_SYSINFO_EHDR.
# Its functions read the clocks without a system call. It is used where it lies: addresses in it count from `k_vdso`.
#
# In a section of its own, outside of the kernel's code: a bad pointer given to one of these is the program's fault. Its
# call frame information is the image's.

.section .vdso, "ax", @progbits
    .balign 64
.globl k_vdso
k_vdso:
    .byte 0x7f
    .ascii "ELF"
    .byte 2, 1, 1, 0                    # 64 bit, little endian, version 1, System V
    .quad 0
    .short 3, 62                        # ET_DYN, EM_X86_64
    .long 1
    .quad 0, vdso_headers - k_vdso, 0   # entry, program headers, section headers
    .long 0
    .short 64, 56, 2, 64, 0, 0

vdso_headers:
    .long 1, 5                          # PT_LOAD, read and execute
    .quad 0, 0, 0, vdso_end - k_vdso, vdso_end - k_vdso, 64
    .long 2, 4                          # PT_DYNAMIC, read
    .quad vdso_dynamic - k_vdso, vdso_dynamic - k_vdso, vdso_dynamic - k_vdso
    .quad vdso_dynamic_end - vdso_dynamic, vdso_dynamic_end - vdso_dynamic, 8

vdso_dynamic:
    .quad 14, vdso_soname - vdso_strings        # DT_SONAME
    .quad 4, vdso_hash - k_vdso                 # DT_HASH
    .quad 5, vdso_strings - k_vdso              # DT_STRTAB
    .quad 6, vdso_symbols - k_vdso              # DT_SYMTAB
    .quad 10, vdso_strings_end - vdso_strings   # DT_STRSZ
    .quad 11, 24                                # DT_SYMENT
    .quad 0x6ffffff0, vdso_versym - k_vdso      # DT_VERSYM
    .quad 0x6ffffffc, vdso_verdef - k_vdso      # DT_VERDEF
    .quad 0x6ffffffd, 2                         # DT_VERDEFNUM
    .quad 0, 0
vdso_dynamic_end:

    # A hash table of one bucket: the chain goes through all symbols.
vdso_hash:
    .long 1, 6, 1, 0, 2, 3, 4, 5, 0

    .balign 8
vdso_symbols:
    .skip 24
.macro vdso_symbol name
    .long vdso_name_\name - vdso_strings
    .byte 0x12, 0                       # STB_GLOBAL, STT_FUNC
    .short 1                            # defined, relative to the load address
    .quad vdso_\name - k_vdso, vdso_\name\()_end - vdso_\name
.endm
    vdso_symbol clock_gettime
    vdso_symbol gettimeofday
    vdso_symbol time
    vdso_symbol clock_getres
    vdso_symbol getcpu

    # Version 1 is the object itself, 2 is LINUX_2.6; with their hash values and the place of their names.
vdso_versym:
    .short 0, 2, 2, 2, 2, 2
    .balign 4
vdso_verdef:
    .short 1, 1, 1, 1
    .long 0x0deebfa1, 20, 28
    .long vdso_soname - vdso_strings, 0
    .short 1, 0, 2, 1
    .long 0x03ae75f6, 20, 0
    .long vdso_version - vdso_strings, 0

vdso_strings:
    .byte 0
vdso_soname: .asciz "linux-vdso.so.1"
vdso_version: .asciz "LINUX_2.6"
vdso_name_clock_gettime: .asciz "__vdso_clock_gettime"
vdso_name_gettimeofday: .asciz "__vdso_gettimeofday"
vdso_name_time: .asciz "__vdso_time"
vdso_name_clock_getres: .asciz "__vdso_clock_getres"
vdso_name_getcpu: .asciz "__vdso_getcpu"
vdso_strings_end:

# The fields of `vdso::Clock`.
.set FACTOR, 0
.set ORIGIN, 8
.set REALTIME, 16
.set ONE_CPU, 24
# Clocks by their bits: REALTIME, REALTIME_COARSE, REALTIME_ALARM, TAI; and those that count from boot.
.set REALTIME_CLOCKS, 0x921
.set CLOCKS, 0x2d2 | REALTIME_CLOCKS

# Nanoseconds since boot in %rax, as `time::Scale::ns`. The fence keeps the read behind what the program did before.
.macro vdso_now
    lfence
    rdtsc
    shlq $32, %rdx
    orq %rdx, %rax
    xorl %ecx, %ecx
    subq k_vdso_clock+ORIGIN(%rip), %rax
    cmovbq %rcx, %rax
    mulq k_vdso_clock+FACTOR(%rip)
    shrdq $32, %rdx, %rax
.endm

# Nanoseconds in %rax: seconds in %rdx, the rest in %rcx. The multiplication by 2^84 / 5^9 / 2^9 is exact for every number
# (Granlund and Montgomery, Division by Invariant Integers).
.macro vdso_seconds
    movq %rax, %rcx
    shrq $9, %rax
    movabsq $0x44b82fa09b5a53, %rdx
    mulq %rdx
    shrq $11, %rdx
    imulq $1000000000, %rdx, %rax
    subq %rax, %rcx
.endm

.macro vdso_function name
    .balign 32
    .type vdso_\name, @function
vdso_\name:
    .cfi_startproc
.endm
.macro vdso_function_end name
    .cfi_endproc
vdso_\name\()_end:
    .size vdso_\name, . - vdso_\name
.endm

# int clock_gettime(clockid_t id, struct timespec *time)
vdso_function clock_gettime
    cmpl $11, %edi
    ja 1f
    movl $CLOCKS, %eax
    btl %edi, %eax
    jnc 1f
    xorl %r8d, %r8d
    movl $REALTIME_CLOCKS, %eax
    btl %edi, %eax
    cmovcq k_vdso_clock+REALTIME(%rip), %r8
    vdso_now
    addq %r8, %rax
    vdso_seconds
    movq %rdx, (%rsi)
    movq %rcx, 8(%rsi)
    xorl %eax, %eax
    ret
1:  movl $228, %eax                     # CPU clocks, and what is no clock
    syscall
    ret
vdso_function_end clock_gettime

# int gettimeofday(struct timeval *time, struct timezone *zone)
vdso_function gettimeofday
    testq %rdi, %rdi
    jz 1f
    vdso_now
    addq k_vdso_clock+REALTIME(%rip), %rax
    vdso_seconds
    movq %rdx, (%rdi)
    movl $0x10624dd3, %eax              # 2^38 / 1000
    mulq %rcx
    shrq $38, %rax
    movq %rax, 8(%rdi)
1:  xorl %eax, %eax
    testq %rsi, %rsi
    jz 2f
    movq %rax, (%rsi)
2:  ret
vdso_function_end gettimeofday

# time_t time(time_t *time)
vdso_function time
    vdso_now
    addq k_vdso_clock+REALTIME(%rip), %rax
    vdso_seconds
    movq %rdx, %rax
    testq %rdi, %rdi
    jz 1f
    movq %rax, (%rdi)
1:  ret
vdso_function_end time

# int clock_getres(clockid_t id, struct timespec *resolution)
vdso_function clock_getres
    cmpl $11, %edi
    ja 2f
    movl $CLOCKS, %eax
    btl %edi, %eax
    jnc 2f
    xorl %eax, %eax
    testq %rsi, %rsi
    jz 1f
    movq %rax, (%rsi)
    movq $1, 8(%rsi)
1:  ret
2:  movl $229, %eax
    syscall
    ret
vdso_function_end clock_getres

# int getcpu(unsigned *cpu, unsigned *node, void *unused)
vdso_function getcpu
    cmpl $0, k_vdso_clock+ONE_CPU(%rip)
    je 3f
    xorl %eax, %eax
    testq %rdi, %rdi
    jz 1f
    movl %eax, (%rdi)
1:  testq %rsi, %rsi
    jz 2f
    movl %eax, (%rsi)
2:  ret
3:  movl $309, %eax
    syscall
    ret
vdso_function_end getcpu
vdso_end:
