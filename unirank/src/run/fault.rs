//! A guest's fault report, made readable with the image's symbols.

use std::fmt;

use serde::Deserialize;
use serde_json::Value;
use unirank_images::symbolize::Symbolizer;

use crate::text::one_line;

/// Most entries of a backtrace that are shown.
const MOST_FRAMES: usize = 64;
/// Registers on one line of the report.
const PER_LINE: usize = 4;

/// Registers that are shown, in this order.
const REGISTERS: [&str; 20] = [
    "rax", "rbx", "rcx", "rdx", "rsi", "rdi", "rbp", "rsp", "r8", "r9", "r10", "r11", "r12", "r13", "r14",
    "r15", "rflags", "cs", "ss", "fsbase",
];

/// The JSON object of a `fault` line. Numbers come as numbers or as `0x` text; what is missing is not shown.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Report {
    cause: String,
    signal: Option<Value>,
    vector: Option<Value>,
    error: Option<Value>,
    rip: Option<Value>,
    cr2: Option<Value>,
    regs: serde_json::Map<String, Value>,
    backtrace: Vec<Value>,
    thread: Option<Value>,
}

/// A fault in readable form.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fault {
    signal: Option<u64>,
    vector: Option<u64>,
    text: String,
}

impl Fault {
    /// Reads the guest's report and looks its addresses up.
    pub fn read(json: &str, symbols: &Symbolizer) -> Self {
        match serde_json::from_str::<Report>(json) {
            Ok(report) => Self {
                signal: report.signal.as_ref().and_then(number),
                vector: report.vector.as_ref().and_then(number),
                text: describe(&report, symbols),
            },
            Err(_) => Self {
                text: format!("its report cannot be read: {}", one_line(json, 300)),
                ..Self::default()
            },
        }
    }

    /// Exit status of the job: what a shell shows for the signal, or for the Linux signal of the same cause.
    pub fn status(&self) -> u8 {
        match self.vector {
            _ if self.signal.is_some_and(|signal| (1..=64).contains(&signal)) => {
                128 + self.signal.unwrap_or(0) as u8
            }
            Some(0 | 16 | 19) => 128 + 8, // divide error, x87, SIMD: SIGFPE
            Some(6) => 128 + 4,           // invalid opcode: SIGILL
            Some(12..=14) => 128 + 11,    // stack, protection, page: SIGSEGV
            Some(17) => 128 + 7,          // alignment: SIGBUS
            _ => 128 + 6,
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

fn number(value: &Value) -> Option<u64> {
    match value {
        Value::Number(number) => number.as_u64().or_else(|| number.as_i64().map(|n| n as u64)),
        Value::String(text) => u64::from_str_radix(text.trim().strip_prefix("0x")?, 16).ok(),
        _ => None,
    }
}

fn describe(report: &Report, symbols: &Symbolizer) -> String {
    let hex = |value: &Option<Value>| value.as_ref().and_then(number).map(|n| format!("{n:#x}"));
    let mut text = one_line(&report.cause, 200);
    if let Some(vector) = report.vector.as_ref().and_then(number) {
        text += &format!(" (vector {vector}");
        if let Some(error) = hex(&report.error) {
            text += &format!(", error code {error}");
        }
        text += ")";
    }
    if let Some(rip) = hex(&report.rip) {
        text += &format!(" at {rip}");
    }
    if let (Some(14), Some(cr2)) = (report.vector.as_ref().and_then(number), hex(&report.cr2)) {
        text += &format!(", address {cr2}");
    }
    if let Some(thread) = report.thread.as_ref().and_then(number).filter(|&t| t > 1) {
        text += &format!(", thread {thread}");
    }
    let registers: Vec<String> = REGISTERS
        .iter()
        .filter_map(|&name| Some(format!("{name:>6} {:016x}", number(report.regs.get(name)?)?)))
        .collect();
    for line in registers.chunks(PER_LINE) {
        text += &format!("\n  {}", line.join(" "));
    }
    text + &backtrace(report, symbols)
}

fn backtrace(report: &Report, symbols: &Symbolizer) -> String {
    let mut addresses: Vec<u64> = report.backtrace.iter().filter_map(number).collect();
    let rip = report.rip.as_ref().and_then(number);
    if let Some(rip) = rip.filter(|rip| addresses.first() != Some(rip)) {
        addresses.insert(0, rip);
    }
    let mut text = String::new();
    for (n, &address) in addresses.iter().take(MOST_FRAMES).enumerate() {
        // The first is where it faulted, the others are where calls return to.
        for frame in symbols.frames(address, n > 0) {
            text += &format!("\n  #{n:<2} {address:#010x} {}", one_line(&frame.to_string(), 300));
        }
    }
    if addresses.len() > MOST_FRAMES {
        text += &format!("\n  ... {} more", addresses.len() - MOST_FRAMES);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    fn none() -> Symbolizer {
        Symbolizer::open(Path::new("/nonexistent"))
    }

    #[test]
    fn shows_cause_registers_and_addresses() {
        let json = r#"{"cause":"page fault: write to an unmapped page","vector":14,"error":6,"rip":4198400,"cr2":"0x10",
            "regs":{"rax":1,"rsp":"0xffff"},"backtrace":[4198400,4198500],"thread":1}"#;
        let fault = Fault::read(json, &none());
        assert_eq!(fault.status(), 139);
        let of = |json| Fault::read(json, &none()).status();
        assert_eq!(of(r#"{"signal":14,"vector":14}"#), 142);
        assert_eq!((of(r#"{"signal":0,"vector":0}"#), of(r#"{"signal":400}"#)), (136, 134));
        let text = fault.to_string();
        for part in [
            "vector 14, error code 0x6",
            "at 0x401000",
            "address 0x10",
            "rax 0000000000000001",
            "#1  0x00401064 ??",
        ] {
            assert!(text.contains(part), "{part}: {text}");
        }
    }

    #[test]
    fn hostile_reports_are_bounded_and_harmless() {
        let many = vec!["1"; 100_000].join(",");
        for json in [
            "",
            "{}",
            "[]",
            "{\"cause\":\"\\u001b[2J\\n\"}",
            "{\"vector\":-1,\"rip\":1e300,\"regs\":{\"\\u001b\":\"0xzz\"}}",
            &format!("{{\"backtrace\":[{many}]}}"),
        ] {
            let text = Fault::read(json, &none()).to_string();
            assert!(text.len() < 10_000 && !text.contains('\u{1b}'), "{text}");
        }
    }
}
