# The gate: all code that runs at CPL0 after boot. Integer instructions only (DESIGN 2.1).
#
# Ways in: int3 at k_gate_call (functions below), exceptions (saved, then continued at ring 3), interrupts (counted, and
# continued at ring 3 if they met the program), and SYSCALL, which may arrive at CPL0 or stay at CPL3 and is handled at
# CPL3 either way.

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
    pushq $0
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

.macro PUSH_REGISTERS
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
.endm

# The block of this processor, which the stack in use is part of.
.macro CPU_BLOCK register
    movq %rsp, \register
    andq $-CPU_SIZE, \register
.endm

# ---- exceptions: save the state, continue at ring 3, as a signal is delivered ----------------------------------------
# Stack: vector, error code, rip, cs, rflags, rsp, ss. With the pushes below it has the layout of `Regs`.
k_exception:
    PUSH_REGISTERS
    cld
    testb $3, 144(%rsp)                 # cs
    jz k_kernel_fault
    movq 136(%rsp), %rax                # rip
    leaq k_text_start(%rip), %rcx
    cmpq %rcx, %rax
    jb 1f
    leaq k_text_end(%rip), %rcx
    cmpq %rcx, %rax
    jb k_kernel_fault
1:  leaq k_exception_ring3(%rip), %rax
    # fall through

# Continues at %rax in ring 3, on the kernel stack of the thread that was interrupted outside of the kernel, with its
# registers there and above them the fault address.
k_defer:
    CPU_BLOCK %rbx
    movq CPU_CURRENT(%rbx), %rbx
    testq %rbx, %rbx
    jz k_kernel_fault
    movq THREAD_STACK(%rbx), %rdx
    movq %cr2, %rcx
    movq %rcx, (%rdx)
    subq $22*8, %rdx
    movq %rsp, %rsi
    movq %rdx, %rdi
    movl $22, %ecx
    rep movsq
    pushq $0x2b
    pushq %rdx
    pushq $0x202
    pushq $0x33
    pushq %rax
    iretq

# A fault of the kernel itself. Nothing goes on after it, so one place for the registers is enough.
k_kernel_fault:
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
    leaq k_kernel_fault_ring3(%rip), %rax
    pushq %rax
    iretq

# ---- interrupts: count, acknowledge; the rest is done at ring 3, before the program continues ------------------------
k_irq:
    pushq %rax
    pushq %rcx
    pushq %rdx
    movl 24(%rsp), %eax
    cmpl $0x5f, %eax                    # spurious: nothing to acknowledge
    je k_irq_return
    cmpl $0x22, %eax
    je k_irq_flush
    leaq k_irq_pending(%rip), %rcx
    lock incl (%rcx,%rax,4)
    CPU_BLOCK %rcx
    incl CPU_WAKES(%rcx)
    cmpl $0x20, %eax
    je k_irq_timer
    cmpl $0x21, %eax                    # another processor has something to do for this one
    je k_irq_done
    lock incl k_irq_events(%rip)
    movl k_device_waiter(%rip), %eax
    cmpl $-1, %eax
    je k_irq_done
    movq k_lapic(%rip), %rcx            # the processor that waits for a device is another one: pass it on
    movl %eax, 0x310(%rcx)
    movl $0x4021, 0x300(%rcx)
k_irq_done:
    movq k_lapic(%rip), %rcx
    movl $0, 0xb0(%rcx)                 # end of interrupt
    testb $3, 48(%rsp)                  # cs
    jz k_irq_return
    CPU_BLOCK %rcx
    movq 40(%rsp), %rax                 # rip
    leaq k_text_start(%rip), %rdx
    cmpq %rdx, %rax
    jb 1f
    leaq k_text_end(%rip), %rdx
    cmpq %rdx, %rax
    jae 1f
    movl $1, CPU_RESCHEDULE(%rcx)       # the kernel looks on its way back to the program
    leaq k_resume(%rip), %rdx
    cmpq %rdx, %rax
    jb k_irq_return
    leaq k_resume_end(%rip), %rdx
    cmpq %rdx, %rax
    jae k_irq_return
    movq CPU_CURRENT(%rcx), %rax        # it is just going back
    movq THREAD_STACK(%rax), %rax
    subq $22*8, %rax
    movq %rax, 64(%rsp)                 # rsp
    leaq k_deferred_ring3(%rip), %rax
    movq %rax, 40(%rsp)                 # rip
    jmp k_irq_return
1:  cmpq $0, CPU_CURRENT(%rcx)
    je k_irq_return
    popq %rdx
    popq %rcx
    popq %rax
    PUSH_REGISTERS
    cld
    leaq k_deferred_ring3(%rip), %rax
    jmp k_defer
k_irq_return:
    popq %rdx
    popq %rcx
    popq %rax
    addq $16, %rsp
    iretq

# Another processor has changed the page tables and waits until all have forgotten what they had of them.
k_irq_flush:
    movq %cr3, %rax
    movq %rax, %cr3
    lock incl k_flushed(%rip)
    movq k_lapic(%rip), %rcx
    movl $0, 0xb0(%rcx)
    jmp k_irq_return

# The heartbeat goes up when a quarter of a second has passed, whoever armed the timer; the boot processor arms it again.
k_irq_timer:
    movq $-1, CPU_ARMED(%rcx)
    cmpl $0, CPU_ID(%rcx)
    jne k_irq_done
    rdtsc
    shlq $32, %rdx
    orq %rdx, %rax
    cmpq k_next_heartbeat(%rip), %rax
    jb 4f
    movq k_heartbeat(%rip), %rdx
    incq (%rdx)
    addq k_heartbeat_tsc(%rip), %rax
    movq %rax, k_next_heartbeat(%rip)
4:  movq k_next_heartbeat(%rip), %rax
    movq %rax, CPU_ARMED(%rcx)
    cmpb $0, k_tsc_deadline(%rip)
    je 5f
    movq %rax, %rdx
    shrq $32, %rdx
    movl $0x6e0, %ecx
    wrmsr
    jmp k_irq_done
5:  movl k_heartbeat_ticks(%rip), %eax
    movq k_lapic(%rip), %rcx
    movl %eax, 0x380(%rcx)
    jmp k_irq_done

# ---- gate functions -------------------------------------------------------------------------------------------------------
# u64 k_gate_call(u64 a, u64 b, u64 c, u64 function): System V arguments, caller-saved registers may be lost.
.globl k_gate_call
k_gate_call:
    int3
k_gate_return:
    ret

k_gate_entry:
    cmpq $8, %rcx
    ja 1f
    leaq gate_table(%rip), %rax
    jmp *(%rax,%rcx,8)
1:  iretq

# wait(seen, deadline in TSC ticks, same in timer ticks): halt until any interrupt of this processor, unless one came
# since `seen` was read.
gate_wait:
    CPU_BLOCK %r8
    cmpl %edi, CPU_WAKES(%r8)
    jne 1b
    cmpq %rsi, CPU_ARMED(%r8)           # the timer may be armed for this very moment
    je 3f
    movq %rsi, CPU_ARMED(%r8)
    call gate_arm_timer
3:  sti
    hlt
    cli
    iretq

# arm(deadline in TSC ticks, same in timer ticks)
gate_arm:
    CPU_BLOCK %r8
    movq %rdi, CPU_ARMED(%r8)
    movl %esi, %edx
    movq %rdi, %rsi
    call gate_arm_timer
    iretq

gate_arm_timer:
    cmpb $0, k_tsc_deadline(%rip)
    je 2f
    movq %rsi, %rax
    movq %rsi, %rdx
    shrq $32, %rdx
    movl $0x6e0, %ecx
    wrmsr
    ret
2:  movq k_lapic(%rip), %rax
    movl %edx, 0x380(%rax)
    ret

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

# rcx = return address, r11 = flags. The program's stack is not touched: its red zone is live. %gs points to the thread.
.globl k_syscall_entry
k_syscall_entry:
    movq %rsp, %gs:THREAD_USER_RSP
    movq %gs:THREAD_STACK, %rsp
    pushq $0x2b
    pushq %gs:THREAD_USER_RSP
    pushq %r11
    pushq $0x33
    pushq %rcx
    pushq $0
    pushq %rax
    PUSH_REGISTERS
    movl %cs, %eax
    testb $3, %al
    jnz k_syscall_ring3
    movq %rsp, %rax
    pushq $0x2b
    pushq %rax
    pushq $0x202
    pushq $0x33
    pushq $k_syscall_ring3
    iretq

k_syscall_ring3:
    cld
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

# k_resume(registers in %rdi): continues a program with exactly these registers. Ring 3 needs no iretq for that, and no
# interrupt defers anything between the first and the last instruction, for they are the kernel's.
# An interrupt that comes after the look at the flag begins anew with the registers, which are still in their place.
.globl k_resume
k_resume:
    movq %gs:THREAD_CPU, %rax
    cmpl $0, CPU_RESCHEDULE(%rax)
    jne k_resume_later
    movq 136(%rdi), %rax                # rip
    movq %rax, %gs:THREAD_RESUME_RIP
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
    jmp *%gs:THREAD_RESUME_RIP
k_resume_end:
k_resume_later:
    movq %rdi, %rsp
    jmp k_deferred_ring3

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

# ---- exceptions and interrupts, continued at ring 3 ----------------------------------------------------------------------------
# On the thread's kernel stack, registers at its top.
.set VECTORS_SIZE, 2816

.macro SAVE_VECTORS
    cld
    movq %rsp, %rbx
    subq $VECTORS_SIZE, %rsp
    andq $-64, %rsp
    xorl %eax, %eax
    leaq 512(%rsp), %rdi                # XSAVE writes the first word of its header only
    movl $8, %ecx
    rep stosq
    movq %rsp, %rdi
    call k_save_vectors
    fninit
    ldmxcsr k_mxcsr_default(%rip)
    xorl %ebp, %ebp
    movq %rbx, %rdi
    movq %rsp, %rsi
.endm

k_deferred_ring3:
    SAVE_VECTORS
    call k_deferred
    jmp k_resume_vectors
k_exception_ring3:
    SAVE_VECTORS
    movq 22*8(%rbx), %rdx
    call k_fault_main
k_resume_vectors:
    movq %rsp, %rdi
    call k_restore_vectors
    movq %rbx, %rdi
    jmp k_resume

k_kernel_fault_ring3:
    cld
    fninit
    ldmxcsr k_mxcsr_default(%rip)
    xorl %ebp, %ebp
    leaq k_fault_regs(%rip), %rdi
    call k_kernel_fault_main
    ud2

# ---- threads -------------------------------------------------------------------------------------------------------------------
# k_switch(thread that leaves in %rdi, thread that comes in %rsi): returns in the latter, where it left.
.globl k_switch
k_switch:
    pushq %rbx
    pushq %rbp
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    movq %rsp, THREAD_SWITCH_RSP(%rdi)
    movq THREAD_VECTORS(%rdi), %rdi
    call k_save_vectors
    movq THREAD_SWITCH_RSP(%rsi), %rsp
    movq THREAD_VECTORS(%rsi), %rdi
    call k_restore_vectors
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbp
    popq %rbx
    ret

# Where a new thread begins: its registers are at the top of its kernel stack.
.globl k_thread_start
k_thread_start:
    xorl %ebp, %ebp
    call k_thread_begin
    movq %gs:THREAD_STACK, %rdi
    subq $22*8, %rdi
    jmp k_resume

.section .data.k_gate, "aw", @progbits
    .balign 64
.globl k_fault_regs
k_fault_regs:    .skip 23*8
    .balign 8
gate_table:
    .quad gate_wait, gate_shutdown, gate_in, gate_out, gate_rdmsr, gate_wrmsr, gate_set_cr3, gate_invlpg, gate_arm
.globl k_irq_pending, k_irq_events, k_lapic, k_heartbeat, k_heartbeat_tsc, k_heartbeat_ticks, k_next_heartbeat
.globl k_tsc_deadline, k_fault_depth, k_fault_stack, k_device_waiter, k_flushed
k_irq_pending:     .skip 96*4
k_lapic:           .quad 0xfee00000
k_heartbeat:       .quad k_heartbeat_nowhere
k_heartbeat_nowhere: .quad 0
k_heartbeat_tsc:   .quad 0
k_next_heartbeat:  .quad -1
k_fault_stack:     .quad k_boot_stack_top
k_irq_events:      .long 0
k_heartbeat_ticks: .long 0
k_fault_depth:     .long 0
k_device_waiter:   .long -1
k_flushed:         .long 0
k_tsc_deadline:    .byte 0
