use super::*;
use std::process::Command;

const SOURCE: &str = "\
static inline __attribute__((always_inline)) int inner(volatile int *p)
{
    return *p + 1;
}
int outer(volatile int *p)
{
    return inner(p) * 2;
}
int main(void)
{
    int x = 20;
    return outer(&x);
}
";

/// A compiled program, removed at the end.
struct Program {
    dir: std::path::PathBuf,
}

impl Program {
    fn compile(name: &str, flags: &[&str]) -> Self {
        let dir = std::env::temp_dir().join(format!("unirank-symbols-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&dir).unwrap();
        std::fs::write(dir.join("sample.c"), SOURCE).unwrap();
        let mut gcc = Command::new("gcc");
        gcc.args(["-O1", "-static", "-no-pie", "sample.c", "-o", "sample"]).args(flags).current_dir(&dir);
        assert!(gcc.status().unwrap().success());
        Self { dir }
    }

    fn path(&self) -> std::path::PathBuf {
        self.dir.join("sample")
    }

    fn address(&self, symbol: &str) -> u64 {
        let output = Command::new("nm").arg(self.path()).output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let line = text.lines().find(|l| l.ends_with(&format!(" T {symbol}"))).unwrap();
        u64::from_str_radix(line.split(' ').next().unwrap(), 16).unwrap()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.dir).unwrap();
    }
}

#[test]
fn functions_files_lines_and_inlines() {
    let program = Program::compile("debug", &["-g"]);
    let symbols = Symbolizer::open(&program.path());
    let frames = symbols.frames(program.address("outer"), false);
    let names: Vec<_> = frames.iter().map(|f| (f.function.as_deref().unwrap(), f.inlined)).collect();
    assert!(names == [("inner", true), ("outer", false)] || names == [("outer", false)], "{names:?}");
    let last = frames.last().unwrap();
    assert!(last.file.as_deref().unwrap().ends_with("sample.c"));
    assert!((5..=7).contains(&last.line.unwrap()));
    // The address after the last instruction of a function belongs to its call, not to the next function.
    let after = symbols.frames(program.address("main"), true);
    assert_eq!(after.last().unwrap().function.as_deref(), Some("outer"));
}

#[test]
fn names_without_debug_information() {
    let program = Program::compile("plain", &["-g0"]);
    let frames = Symbolizer::open(&program.path()).frames(program.address("outer") + 1, false);
    assert_eq!(frames[0].function.as_deref(), Some("outer"));
    assert_eq!(frames[0].line, None);
}

#[test]
fn nothing_to_read_is_no_error() {
    let symbols = Symbolizer::open(Path::new("/dev/null"));
    assert_eq!(symbols.frames(0x1234, false), [Frame::default()]);
    assert_eq!(Frame::default().to_string(), "??");
}
