//! What the commands say on standard output; a job's own output goes through `run/sink.rs`.

use std::fmt;
use std::io::{self, ErrorKind, Write};

/// Writes a line of what a command says, as `println!` does.
macro_rules! say {
    ($($text:tt)*) => { $crate::output::write(format_args!("{}\n", format_args!($($text)*))) };
}
pub(crate) use say;

/// Writes what a command says. A reader that has seen enough (`unirank ps | head`) is no reason to complain; an output
/// that cannot be written ends the command, for what it says is all that it does.
pub(crate) fn write(text: fmt::Arguments<'_>) {
    if let Err(error) = write_to(&mut io::stdout().lock(), text) {
        eprintln!("unirank: standard output cannot be written: {error}");
        std::process::exit(1);
    }
}

fn write_to(output: &mut dyn Write, text: fmt::Arguments<'_>) -> io::Result<()> {
    match output.write_fmt(text).and_then(|()| output.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        result => result,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An output whose every byte fails.
    struct Failing(ErrorKind);

    impl Write for Failing {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(self.0.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Err(self.0.into())
        }
    }

    #[test]
    fn only_a_reader_that_left_is_ignored() {
        assert!(write_to(&mut Failing(ErrorKind::BrokenPipe), format_args!("jobs\n")).is_ok());
        assert!(write_to(&mut Failing(ErrorKind::StorageFull), format_args!("jobs\n")).is_err());
    }
}
