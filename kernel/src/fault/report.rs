//! The `fault` line: one JSON object. Addresses are strings, because JSON numbers lose the upper bits of large ones.

use alloc::string::String;
use core::fmt::Write;

use crate::regs::Regs;

/// In place of the number of an exception: there was none.
pub const NO_EXCEPTION: u64 = u64::MAX;

/// Sends the report of a fault, or of another end by a signal, to the host, which knows the program's symbols.
pub fn send(cause: &str, signal: u32, regs: &Regs, cr2: u64, backtrace: &[u64]) {
    ctl!("fault {}", json(cause, signal, regs, cr2, backtrace));
}

fn json(cause: &str, signal: u32, regs: &Regs, cr2: u64, backtrace: &[u64]) -> String {
    let mut out = String::from("{\"cause\":\"");
    for c in cause.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            c if c < ' ' => out.push(' '),
            c => out.push(c),
        }
    }
    let _ = write!(out, "\",\"signal\":{signal},");
    if regs.vector != NO_EXCEPTION {
        let _ = write!(out, "\"vector\":{},\"error\":{},\"cr2\":\"{cr2:#x}\",", regs.vector, regs.error);
    }
    let _ = write!(out, "\"rip\":\"{:#x}\",\"regs\":{{", regs.rip);
    let list = [
        ("rax", regs.rax),
        ("rbx", regs.rbx),
        ("rcx", regs.rcx),
        ("rdx", regs.rdx),
        ("rsi", regs.rsi),
        ("rdi", regs.rdi),
        ("rbp", regs.rbp),
        ("rsp", regs.rsp),
        ("r8", regs.r8),
        ("r9", regs.r9),
        ("r10", regs.r10),
        ("r11", regs.r11),
        ("r12", regs.r12),
        ("r13", regs.r13),
        ("r14", regs.r14),
        ("r15", regs.r15),
        ("rflags", regs.rflags),
    ];
    for (i, (name, value)) in list.into_iter().enumerate() {
        let comma = if i == 0 { "" } else { "," };
        let _ = write!(out, "{comma}\"{name}\":\"{value:#x}\"");
    }
    out.push_str("},\"backtrace\":[");
    for (i, address) in backtrace.iter().enumerate() {
        let comma = if i == 0 { "" } else { "," };
        let _ = write!(out, "{comma}\"{address:#x}\"");
    }
    out.push_str("],\"thread\":0}");
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_of_json() {
        let regs = Regs { rip: 0x40_1000, rax: u64::MAX, vector: 14, ..Regs::default() };
        let text = json("a \"quoted\\\" cause\n", 11, &regs, 0x10, &[0x40_1000, 0x40_2000]);
        assert!(!text.contains('\n'));
        assert!(text.starts_with("{\"cause\":\"a \\\"quoted\\\\\\\" cause \",\"signal\":11,\"vector\":14,"));
        assert!(text.contains("\"rax\":\"0xffffffffffffffff\""));
        assert!(text.ends_with("\"backtrace\":[\"0x401000\",\"0x402000\"],\"thread\":0}"));
        let regs = Regs { vector: NO_EXCEPTION, ..regs };
        assert!(!json("a signal", 15, &regs, 0, &[]).contains("vector"));
    }
}
