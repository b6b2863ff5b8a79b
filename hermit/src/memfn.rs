//! Memory functions the compiler calls: the kernel's, for there may be no C library.

core::arch::global_asm!(include_str!("../../kernel/src/arch/mem.s"), options(att_syntax, raw));
