# The gate: all code that runs at CPL0 after boot. Integer instructions only (DESIGN 2.1).
#
# Ways in: int3 at k_gate_call (functions below), exceptions (saved, then continued in ring 3 at k_fault_ring3),
# interrupts (counted), and SYSCALL, which may arrive at CPL0 or stay at CPL3 and is handled at CPL3 either way.

.section .text.k_gate, "ax", @progbits
.code64

# ---- entry stubs, 16 bytes apart ------------------------------------------------------------------------------------
.balign 16
.globl k_vectors
k_vectors:
.set vector, 0
.rept 96
    .balign 16
    .if vector == 3
    jmp k_int3
    .elseif vector >= 32
    pushq $vector
    jmp k_irq
    .elseif (vector == 8) || ((vector >= 10) && (vector <= 14)) || (vector == 17) || (vector == 21) || (vector == 29) || (vector == 30)
    pushq $vector                       # the processor pushed an error code
    jmp k_exception
    .else
    pushq $0
    pushq $vector
    jmp k_exception
    .endif
    .set vector, vector + 1
.endr
    .balign 16
k_int3:
    cmpq $k_gate_return, (%rsp)
    je k_gate_entry
    pushq $0                            # the program's own breakpoint
    pushq $3
    # fall through

# ---- exceptions: save the state, continue at ring 3, as a signal is delivered ----------------------------------------
# Stack: vector, error code, rip, cs, rflags, rsp, ss. With the pushes below it has the layout of `Regs`.
k_exception:
    pushq %rdi
    pushq %rsi
    pushq %rdx
    pushq %rcx
    pushq %rax
    pushq %r8
    pushq %r9
    pushq %r10
    pushq %r11
    pushq %rbx
    pushq %rbp
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    cld
    movq %rsp, %rsi
    leaq k_fault_regs(%rip), %rdi
    movl $22, %ecx
    rep movsq
    movq %cr2, %rax
    movq %rax, (%rdi)
    incl k_fault_depth(%rip)
    movl $139, %edi
    cmpl $4, k_fault_depth(%rip)
    jae gate_shutdown                   # the fault handler itself keeps faulting
    pushq $0x2b
    pushq k_fault_stack(%rip)
    pushq $0x202
    pushq $0x33
    leaq k_fault_ring3(%rip), %rax
    pushq %rax
    iretq

# ---- interrupts: count, acknowledge -----------------------------------------------------------------------------------
k_irq:
    pushq %rax
    pushq %rcx
    pushq %rdx
    movl 24(%rsp), %eax
    leaq k_irq_pending(%rip), %rcx
    incl (%rcx,%rax,4)
    cmpl $0x20, %eax
    je 3f
    cmpl $0x5f, %eax                    # spurious: nothing to acknowledge
    je 2f
    incl k_irq_events(%rip)
1:  movq k_lapic(%rip), %rcx
    movl $0, 0xb0(%rcx)                 # end of interrupt
2:  popq %rdx
    popq %rcx
    popq %rax
    addq $8, %rsp
    iretq
3:  # Timer. The heartbeat goes up when a quarter of a second has passed, whoever armed the timer.
    rdtsc
    shlq $32, %rdx
    orq %rdx, %rax
    cmpq k_next_heartbeat(%rip), %rax
    jb 4f
    movq k_heartbeat(%rip), %rcx
    incq (%rcx)
    addq k_heartbeat_tsc(%rip), %rax
    movq %rax, k_next_heartbeat(%rip)
4:  cmpb $0, k_tsc_deadline(%rip)
    je 5f
    movq k_next_heartbeat(%rip), %rax
    movq %rax, %rdx
    shrq $32, %rdx
    movl $0x6e0, %ecx
    wrmsr
    jmp 1b
5:  movl k_heartbeat_ticks(%rip), %eax
    movq k_lapic(%rip), %rcx
    movl %eax, 0x380(%rcx)
    jmp 1b

# ---- gate functions -------------------------------------------------------------------------------------------------------
# u64 k_gate_call(u64 a, u64 b, u64 c, u64 function): System V arguments, caller-saved registers may be lost.
.globl k_gate_call
k_gate_call:
    int3
k_gate_return:
    ret

k_gate_entry:
    cmpq $7, %rcx
    ja 1f
    leaq gate_table(%rip), %rax
    jmp *(%rax,%rcx,8)
1:  iretq

# wait(seen, deadline in TSC ticks, same in timer ticks): halt until any interrupt, unless one came since `seen` was read.
gate_wait:
    cmpl %edi, k_irq_events(%rip)
    jne 1b
    cmpb $0, k_tsc_deadline(%rip)
    je 2f
    movq %rsi, %rax
    movq %rsi, %rdx
    shrq $32, %rdx
    movl $0x6e0, %ecx
    wrmsr
    jmp 3f
2:  movq k_lapic(%rip), %rax
    movl %edx, 0x380(%rax)
3:  sti
    hlt
    cli
    iretq

# shutdown(status): QEMU's isa-debug-exit, else a triple fault, which ends QEMU under -no-reboot.
gate_shutdown:
    movl %edi, %eax
    movl $0x501, %edx
    outl %eax, %dx
    pushq $0
    pushq $0
    lidt (%rsp)
    ud2

# in(port, width)
gate_in:
    movl %edi, %edx
    xorl %eax, %eax
    cmpl $2, %esi
    ja 2f
    je 1f
    inb %dx, %al
    iretq
1:  inw %dx, %ax
    iretq
2:  inl %dx, %eax
    iretq

# out(port, width, value)
gate_out:
    movl %edx, %eax
    movl %edi, %edx
    cmpl $2, %esi
    ja 2f
    je 1f
    outb %al, %dx
    iretq
1:  outw %ax, %dx
    iretq
2:  outl %eax, %dx
    iretq

# rdmsr(number)
gate_rdmsr:
    movl %edi, %ecx
    rdmsr
    shlq $32, %rdx
    orq %rdx, %rax
    iretq

# wrmsr(number, value)
gate_wrmsr:
    movl %edi, %ecx
    movl %esi, %eax
    movq %rsi, %rdx
    shrq $32, %rdx
    wrmsr
    iretq

# set_cr3(address of the top-level page table): also forgets all cached translations
gate_set_cr3:
    movq %rdi, %cr3
    iretq

# invlpg(address)
gate_invlpg:
    invlpg (%rdi)
    iretq

# ---- system calls -----------------------------------------------------------------------------------------------------------
# i64 k_direct_syscall(u64 number, const u64 arguments[6]): a system call of a library in the image (hermit/), without a trap;
# at ring 3. The program counter it is given lies behind a SYSCALL, as that of any other: stepping back repeats the call.
.globl k_direct_syscall
.type k_direct_syscall, @function
k_direct_syscall:
    .cfi_startproc
    movq %rdi, %rax
    movq %rsi, %r11
    movq (%r11), %rdi
    movq 8(%r11), %rsi
    movq 16(%r11), %rdx
    movq 24(%r11), %r10
    movq 32(%r11), %r8
    movq 40(%r11), %r9
    leaq 1f(%rip), %rcx
    pushfq
    popq %r11
    jmp k_syscall_entry
    syscall
1:  ret
    .cfi_endproc
.size k_direct_syscall, . - k_direct_syscall

# rcx = return address, r11 = flags. The program's stack is not touched: its red zone is live.
.globl k_syscall_entry
k_syscall_entry:
    movq %rsp, k_syscall_rsp(%rip)
    movq k_syscall_stack(%rip), %rsp
    pushq %rax
    movl %cs, %eax
    testb $3, %al
    popq %rax
    jnz k_syscall_ring3
    pushq $0x2b
    pushq k_syscall_stack(%rip)
    pushq $0x202
    pushq $0x33
    pushq $k_syscall_ring3
    iretq

k_syscall_ring3:
    cld
    pushq $0x2b
    pushq k_syscall_rsp(%rip)
    pushq %r11
    pushq $0x33
    pushq %rcx
    pushq $0
    pushq %rax
    pushq %rdi
    pushq %rsi
    pushq %rdx
    pushq %rcx
    pushq %rax
    pushq %r8
    pushq %r9
    pushq %r10
    pushq %r11
    pushq %rbx
    pushq %rbp
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    movq %rsp, %rdi
    subq $256, %rsp
    movaps %xmm0, (%rsp)
    movaps %xmm1, 16(%rsp)
    movaps %xmm2, 32(%rsp)
    movaps %xmm3, 48(%rsp)
    movaps %xmm4, 64(%rsp)
    movaps %xmm5, 80(%rsp)
    movaps %xmm6, 96(%rsp)
    movaps %xmm7, 112(%rsp)
    movaps %xmm8, 128(%rsp)
    movaps %xmm9, 144(%rsp)
    movaps %xmm10, 160(%rsp)
    movaps %xmm11, 176(%rsp)
    movaps %xmm12, 192(%rsp)
    movaps %xmm13, 208(%rsp)
    movaps %xmm14, 224(%rsp)
    movaps %xmm15, 240(%rsp)
    movq %rsp, %rsi
    xorl %ebp, %ebp
    call k_syscall
    movq %rsp, %rdi
    call k_load_xmm
    leaq 256(%rsp), %rdi
    # fall through

# k_resume(registers in %rdi): continues a program with exactly these registers. Ring 3 needs no iretq for that.
.globl k_resume
k_resume:
    movq 136(%rdi), %rax                # rip
    movq %rax, k_resume_rip(%rip)
    movq %rdi, %rsp
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbp
    popq %rbx
    popq %r11
    popq %r10
    popq %r9
    popq %r8
    popq %rax
    popq %rcx
    popq %rdx
    popq %rsi
    popq %rdi
    addq $32, %rsp                      # vector, error code, rip, cs
    popfq
    popq %rsp
    jmp *k_resume_rip(%rip)

.globl k_load_xmm
k_load_xmm:
    movaps (%rdi), %xmm0
    movaps 16(%rdi), %xmm1
    movaps 32(%rdi), %xmm2
    movaps 48(%rdi), %xmm3
    movaps 64(%rdi), %xmm4
    movaps 80(%rdi), %xmm5
    movaps 96(%rdi), %xmm6
    movaps 112(%rdi), %xmm7
    movaps 128(%rdi), %xmm8
    movaps 144(%rdi), %xmm9
    movaps 160(%rdi), %xmm10
    movaps 176(%rdi), %xmm11
    movaps 192(%rdi), %xmm12
    movaps 208(%rdi), %xmm13
    movaps 224(%rdi), %xmm14
    movaps 240(%rdi), %xmm15
    ret

# ---- vector state --------------------------------------------------------------------------------------------------------------
# k_save_vectors(area in %rdi), k_restore_vectors(area in %rdi): XSAVE format where there is XSAVE, else FXSAVE format.
.globl k_save_vectors
k_save_vectors:
    movl k_xcr0(%rip), %eax
    testl %eax, %eax
    jz 1f
    xorl %edx, %edx
    xsave64 (%rdi)
    ret
1:  fxsave64 (%rdi)
    ret

.globl k_restore_vectors
k_restore_vectors:
    movl k_xcr0(%rip), %eax
    testl %eax, %eax
    jz 1f
    xorl %edx, %edx
    xrstor64 (%rdi)
    ret
1:  fxrstor64 (%rdi)
    ret

# ---- exceptions, continued at ring 3 ---------------------------------------------------------------------------------------------
k_fault_ring3:
    cld
    leaq k_fault_vectors(%rip), %rdi
    call k_save_vectors
    fninit
    ldmxcsr k_mxcsr_default(%rip)
    xorl %ebp, %ebp
    leaq k_fault_regs(%rip), %rdi
    call k_fault_main
    fninit
    ldmxcsr k_mxcsr_default(%rip)
    decl k_fault_depth(%rip)
    leaq k_fault_regs(%rip), %rdi
    jmp k_resume

.section .data.k_gate, "aw", @progbits
    .balign 64
.globl k_fault_vectors
k_fault_vectors: .skip 4096
.globl k_fault_regs
k_fault_regs:    .skip 23*8
    .balign 8
gate_table:
    .quad gate_wait, gate_shutdown, gate_in, gate_out, gate_rdmsr, gate_wrmsr, gate_set_cr3, gate_invlpg
.globl k_irq_pending, k_irq_events, k_lapic, k_heartbeat, k_heartbeat_tsc, k_heartbeat_ticks, k_next_heartbeat
.globl k_tsc_deadline, k_fault_depth, k_syscall_stack, k_fault_stack
k_irq_pending:     .skip 96*4
k_lapic:           .quad 0xfee00000
k_heartbeat:       .quad k_heartbeat_nowhere
k_heartbeat_nowhere: .quad 0
k_heartbeat_tsc:   .quad 0
k_next_heartbeat:  .quad -1
k_syscall_rsp:     .quad 0
k_syscall_stack:   .quad 0
k_fault_stack:     .quad k_boot_stack_top
k_resume_rip:      .quad 0
k_irq_events:      .long 0
k_heartbeat_ticks: .long 0
k_fault_depth:     .long 0
k_tsc_deadline:    .byte 0
