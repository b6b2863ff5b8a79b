# PVH entry, long mode, descriptor tables, model-specific registers, and the drop to ring 3.
#
# Entry state (Xen PVH): 32-bit protected mode, paging off, %ebx = physical address of the start info. Everything here is
# integer code: where ring 0 is emulated, a vector instruction at CPL0 ends the VM.

.set SEL_KCODE, 0x10
.set SEL_KDATA, 0x18
.set SEL_UDATA, 0x2b
.set SEL_UCODE, 0x33
.set SEL_TSS,   0x40

# The block of a processor: `Cpu` in cpu.rs.
.set CPU_SIZE,        8192
.set CPU_CURRENT,     0
.set CPU_ID,          8
.set CPU_WAKES,       16
.set CPU_RESCHEDULE,  20
.set CPU_ARMED,       24
.set CPU_GDTR,        56
.set CPU_TSS,         168
.set CPU_GATE_STACK,  0x0c00
.set CPU_FAULT_STACK, 0x1400
.set CPU_IRQ_STACK,   0x1c00
.set CPU_NMI_STACK,   0x2000

# The fields of a thread that assembly uses: `Thread` in thread/mod.rs.
.set THREAD_STACK,      8
.set THREAD_USER_RSP,   16
.set THREAD_RESUME_RIP, 24
.set THREAD_SWITCH_RSP, 32
.set THREAD_VECTORS,    40
.set THREAD_CPU,        48

.section .note.PVH, "a", @note
    .balign 4
    .long 4, 4, 18                      # namesz, descsz, XEN_ELFNOTE_PHYS32_ENTRY
    .asciz "Xen"
    .long k_start32

.section .text.k_boot, "ax", @progbits
.code32
.globl k_start32
k_start32:
    cli
    cld
    movl %ebx, k_pvh_info
    rdtsc
    movl %eax, k_boot_tsc
    movl %edx, k_boot_tsc + 4
    movl $k_boot_stack_top, %esp

    movl $k_start64, %edi

# Long mode, on the boot page tables; continues at %edi.
k_long_mode:
    movl $k_boot_pml4, %eax
    movl %eax, %cr3
    movl %cr4, %eax
    orl $0x620, %eax                    # PAE, OSFXSR, OSXMMEXCPT
    movl %eax, %cr4
    movl $0xc0000080, %ecx              # EFER
    rdmsr
    orl $0x101, %eax                    # LME, SCE
    wrmsr
    movl %cr0, %eax
    andl $~0x6000000c, %eax             # no EM, no TS, caches on
    orl $0x80010022, %eax               # PG, WP, NE, MP
    movl %eax, %cr0
    lgdt k_gdtr
    ljmp $SEL_KCODE, $1f
.code64
1:  movl $SEL_KDATA, %eax
    movl %eax, %ds
    movl %eax, %es
    movl %eax, %ss
    xorl %eax, %eax
    movl %eax, %fs
    movl %eax, %gs
    movl %edi, %edi
    jmp *%rdi

# Application processors begin in real mode at a page below 1 MiB, to which mm copies what is between the labels. Its data
# is addressed relative to the page.
.code16
.globl k_trampoline, k_trampoline_end
k_trampoline:
    cli
    movw %cs, %ax
    movw %ax, %ds
    lgdtl k_trampoline_gdtr - k_trampoline
    movl %cr0, %eax
    orl $1, %eax
    movl %eax, %cr0
    ljmpl $0x08, $k_ap_start32
    .balign 4
k_trampoline_gdtr:
    .word k_gdt_end - k_gdt - 1
    .long k_gdt
k_trampoline_end:

.code32
k_ap_start32:
    movl $SEL_KDATA, %eax
    movl %eax, %ds
    movl %eax, %es
    movl %eax, %ss
    movl $k_ap_start64, %edi
    jmp k_long_mode

.code64
k_ap_start64:
    movq k_ap_block(%rip), %rbx
    leaq CPU_GATE_STACK(%rbx), %rsp
    lgdt CPU_GDTR(%rbx)
    movl $SEL_TSS, %eax
    ltr %ax
    lidt k_idtr(%rip)
    call k_features
    movq k_ap_tables(%rip), %rax
    movq %rax, %cr3
    pushq $SEL_UDATA
    pushq k_ap_stack(%rip)
    pushq $0x202
    pushq $SEL_UCODE
    leaq k_ap_ring3(%rip), %rax
    pushq %rax
    iretq
k_ap_ring3:
    movl $SEL_UDATA, %eax
    movl %eax, %ds
    movl %eax, %es
    xorl %ebp, %ebp
    movq k_ap_block(%rip), %rdi
    call k_ap_main
    ud2

k_start64:
    # The task state segment holds the interrupt stacks: each class of entry has its own, so none destroys another's frame.
    leaq k_cpu0(%rip), %rdi
    leaq CPU_GATE_STACK(%rdi), %rax
    leaq CPU_FAULT_STACK(%rdi), %rcx
    leaq CPU_IRQ_STACK(%rdi), %rdx
    leaq CPU_NMI_STACK(%rdi), %rsi
    movq %rax, CPU_TSS+36(%rdi)         # IST1: the gate
    movq %rcx, CPU_TSS+4(%rdi)          # RSP0
    movq %rcx, CPU_TSS+44(%rdi)         # IST2: exceptions
    movq %rdx, CPU_TSS+52(%rdi)         # IST3: interrupts
    movq %rsi, CPU_TSS+60(%rdi)         # IST4: NMI, double fault, machine check
    movw $104, CPU_TSS+102(%rdi)        # no I/O permission map: every port access of ring 3 faults
    leaq CPU_TSS(%rdi), %rax
    leaq k_gdt(%rip), %rsi
    movw %ax, SEL_TSS+2(%rsi)
    shrq $16, %rax
    movb %al, SEL_TSS+4(%rsi)
    movb %ah, SEL_TSS+7(%rsi)
    movl $SEL_TSS, %eax
    ltr %ax

    lidt k_idtr(%rip)                   # filled at ring 3

    # Both interrupt controllers of the PC masked: interrupts come through the local APIC only.
    movb $0xff, %al
    outb %al, $0x21
    outb %al, $0xa1

    call k_features
    pushq $SEL_UDATA
    leaq k_boot_stack_top(%rip), %rax
    pushq %rax
    pushq $0x202
    pushq $SEL_UCODE
    leaq k_start_ring3(%rip), %rax
    pushq %rax
    iretq

# Control registers and model-specific registers of one processor.
k_features:
    # What the processor has, as seen from ring 0: ring 3 may run natively and see another CPUID.
    movl $0x80000001, %eax
    cpuid
    btl $20, %edx                       # NX
    jnc 5f
    movb $1, k_has_nx(%rip)
    movl $0xc0000080, %ecx
    rdmsr
    orl $0x800, %eax
    wrmsr
5:  movl $1, %eax
    cpuid
    movl %ecx, k_cpuid1_ecx(%rip)
    movq %cr4, %r8
    btl $26, %ecx                       # XSAVE
    jnc 6f
    orl $0x40000, %r8d                  # OSXSAVE
6:  xorl %eax, %eax
    cpuid
    cmpl $7, %eax
    jb 7f
    movl $7, %eax
    xorl %ecx, %ecx
    cpuid
    btl $0, %ebx                        # FSGSBASE
    jnc 7f
    orl $0x10000, %r8d
    movb $1, k_has_fsgsbase(%rip)
7:  movq %r8, %cr4
    btl $18, %r8d
    jnc 8f
    movl $0xd, %eax
    xorl %ecx, %ecx
    cpuid
    andl $0xe7, %eax                    # x87, SSE, AVX, AVX-512
    movl %eax, k_xcr0(%rip)
    xorl %edx, %edx
    xorl %ecx, %ecx
    xsetbv
8:
    movl $0xc0000081, %ecx              # STAR: kernel selectors for SYSCALL
    xorl %eax, %eax
    movl $0x00230010, %edx
    wrmsr
    movl $0xc0000082, %ecx              # LSTAR
    leaq k_syscall_entry(%rip), %rax
    movq %rax, %rdx
    shrq $32, %rdx
    wrmsr
    # Flags SYSCALL clears: AC, DF, TF. Interrupts stay on; they have their own stack.
    movl $0xc0000084, %ecx
    movl $0x40500, %eax
    xorl %edx, %edx
    wrmsr
    ret

    # What takes many instructions is done here, where they run natively on every host.
k_start_ring3:
    movl $SEL_UDATA, %eax
    movl %eax, %ds
    movl %eax, %es

    # Interrupt gates for 96 vectors; their entry stubs are 16 bytes apart. No device has been told to interrupt yet.
    leaq k_idt(%rip), %rdi
    leaq k_vectors(%rip), %rdx
    xorl %ecx, %ecx
3:  movq %rdx, %rax
    movw %ax, (%rdi)
    movw $SEL_KCODE, 2(%rdi)
    movw $0x8e02, 4(%rdi)               # DPL 0, IST2
    cmpl $32, %ecx
    jb 4f
    movb $3, 4(%rdi)
4:  shrq $16, %rax
    movw %ax, 6(%rdi)
    shrq $16, %rax
    movl %eax, 8(%rdi)
    movl $0, 12(%rdi)
    addq $16, %rdi
    addq $16, %rdx
    incl %ecx
    cmpl $96, %ecx
    jb 3b
    leaq k_idt(%rip), %rdi
    movw $0xee01, 3*16+4(%rdi)          # int3: DPL 3, IST1
    movb $4, 2*16+4(%rdi)
    movb $4, 8*16+4(%rdi)
    movb $4, 18*16+4(%rdi)
    xorl %ebp, %ebp
    movl k_pvh_info(%rip), %edi
    call k_boot_main
    ud2

# k_enter_program(entry in %rdi, stack pointer in %rsi): the start state of the x86-64 psABI, section 3.4.1.
.globl k_enter_program
k_enter_program:
    movq %rsi, %rsp
    movq %rdi, %rax
    fninit
    ldmxcsr k_mxcsr_default(%rip)
    xorl %ebx, %ebx
    xorl %ecx, %ecx
    xorl %edx, %edx
    xorl %esi, %esi
    xorl %edi, %edi
    xorl %ebp, %ebp
    xorl %r8d, %r8d
    xorl %r9d, %r9d
    xorl %r10d, %r10d
    xorl %r11d, %r11d
    xorl %r12d, %r12d
    xorl %r13d, %r13d
    xorl %r14d, %r14d
    xorl %r15d, %r15d
    jmp *%rax

.section .data.k_boot, "aw", @progbits
    .balign 4096
    # Identity map of the low 4 GiB in 2 MiB pages, all of them user pages. mm builds the real tables later. Where ring 0
    # is emulated a loop that fills them takes 10 ms.
k_boot_pml4: .quad k_boot_pdpt + 7
    .skip 4096 - 8
k_boot_pdpt:
    .set directory, 0
    .rept 4
    .quad k_boot_pd + directory + 7
    .set directory, directory + 4096
    .endr
    .skip 4096 - 4*8
k_boot_pd:
    .set page, 0x87                     # present, writable, user, 2 MiB
    .rept 2048
    .quad page
    .set page, page + 0x200000
    .endr
    # Serves until the program starts; its lowest page becomes a guard.
.globl k_boot_stack_bottom, k_boot_stack_top
k_boot_stack_bottom: .skip 32768
k_boot_stack_top:
    # What the boot processor has of its own (cpu.rs); the interrupt entries find it by the alignment.
    .balign CPU_SIZE
.globl k_cpu0
k_cpu0:
    .quad 0                             # no thread yet
    .skip CPU_ARMED - 8
    .quad -1                            # the timer is not armed
    .skip CPU_SIZE - CPU_ARMED - 8
k_idt: .skip 96*16
k_gdt:
    .quad 0
    .quad 0x00cf9b000000ffff            # 0x08 kernel code, 32 bit
    .quad 0x00af9b000000ffff            # 0x10 kernel code
    .quad 0x00cf93000000ffff            # 0x18 kernel data
    .quad 0x00cffb000000ffff            # 0x20 user code, 32 bit (its slot fixes the place of the next two)
    .quad 0x00cff3000000ffff            # 0x28 user data
    .quad 0x00affb000000ffff            # 0x30 user code
    .quad 0
    .quad 0x0000890000000067            # 0x40 task state segment, base filled in above
    .quad 0
k_gdt_end:
    .balign 8
    .word 0, 0, 0
k_gdtr:
    .word k_gdt_end - k_gdt - 1
    .quad k_gdt
    .word 0, 0, 0
k_idtr:
    .word 96*16 - 1
    .quad k_idt
    .balign 8
.globl k_gdt, k_gdt_end, k_ap_block, k_ap_stack, k_ap_tables
k_ap_block:      .quad 0
k_ap_stack:      .quad 0
k_ap_tables:     .quad 0
.globl k_pvh_info, k_boot_tsc, k_cpuid1_ecx, k_xcr0, k_has_nx, k_has_fsgsbase, k_mxcsr_default
k_pvh_info:      .long 0, 0
k_boot_tsc:      .quad 0
k_cpuid1_ecx:    .long 0
k_xcr0:          .long 0
k_mxcsr_default: .long 0x1f80
k_has_nx:        .byte 0
k_has_fsgsbase:  .byte 0
