# Memory functions the compiler calls. The target's own come from the C library, which the kernel must not call: it
# chooses among variants only once the program has started. String instructions are fast on every processor of the last
# ten years, and need no vector registers.

.section .text.k_mem, "ax", @progbits
.code64

.globl memcpy, memmove, memset, memcmp, bcmp, strlen
memmove:
    movq %rdi, %rax
    subq %rsi, %rax
    cmpq %rdx, %rax
    jb 1f                               # the target begins inside the source: from the end
memcpy:
    movq %rdi, %rax
    movq %rdx, %rcx
    shrq $3, %rcx
    rep movsq
    movl %edx, %ecx
    andl $7, %ecx
    rep movsb
    ret
1:  movq %rdi, %rax
    leaq -1(%rdi,%rdx), %rdi
    leaq -1(%rsi,%rdx), %rsi
    movl %edx, %ecx
    andl $7, %ecx
    std
    rep movsb
    subq $7, %rdi
    subq $7, %rsi
    movq %rdx, %rcx
    shrq $3, %rcx
    rep movsq
    cld
    ret

memset:
    movq %rdi, %r8
    movzbl %sil, %eax
    movabsq $0x0101010101010101, %rcx
    imulq %rcx, %rax
    movq %rdx, %rcx
    shrq $3, %rcx
    rep stosq
    movl %edx, %ecx
    andl $7, %ecx
    rep stosb
    movq %r8, %rax
    ret

memcmp:
bcmp:
    xorl %ecx, %ecx
2:  cmpq %rdx, %rcx
    jae 3f
    movzbl (%rdi,%rcx), %eax
    movzbl (%rsi,%rcx), %r8d
    incq %rcx
    subl %r8d, %eax
    je 2b
    ret
3:  xorl %eax, %eax
    ret

strlen:
    xorl %eax, %eax
4:  cmpb $0, (%rdi,%rax)
    je 5f
    incq %rax
    jmp 4b
5:  ret

# The precompiled core library refers to the unwinder's entry points. A panic of the kernel ends the rank: nothing unwinds.
.globl rust_eh_personality, _Unwind_Resume
rust_eh_personality:
_Unwind_Resume:
    ud2
