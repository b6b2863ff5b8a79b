//! Addresses of a fault to functions, files and lines, read from the image on the host.
//!
//! The guest sends numbers only; the image's own debug information and symbol table say what they mean. Both are
//! used: a program compiled without `-g` still gets function names.

use std::fmt;
use std::path::Path;

use addr2line::Loader;

/// Most inlined functions shown for one address.
const MOST_INLINED: usize = 16;

/// One function on a backtrace.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Frame {
    /// Demangled name.
    pub function: Option<String>,
    /// Source file.
    pub file: Option<String>,
    /// Line in it, from 1.
    pub line: Option<u32>,
    /// Whether the compiler put it into the function shown after it.
    pub inlined: bool,
}

impl fmt::Display for Frame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.function.as_deref().unwrap_or("??"))?;
        if self.inlined {
            write!(f, " (inlined)")?;
        }
        match (&self.file, self.line) {
            (Some(file), Some(line)) => write!(f, " at {file}:{line}"),
            (Some(file), None) => write!(f, " at {file}"),
            _ => Ok(()),
        }
    }
}

/// Looks addresses up in one image.
pub struct Symbolizer {
    loader: Option<Loader>,
}

impl fmt::Debug for Symbolizer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Symbolizer").field("loaded", &self.loader.is_some()).finish()
    }
}

impl Symbolizer {
    /// Opens an image. One that cannot be read gives addresses without names rather than an error: the fault
    /// matters more than its decoration.
    pub fn open(image: &Path) -> Self {
        Self { loader: Loader::new(image).ok() }
    }

    /// The functions at an address, innermost first. `is_return` is set for every address but the faulting one:
    /// a return address belongs to the call before it.
    pub fn frames(&self, address: u64, is_return: bool) -> Vec<Frame> {
        let Some(loader) = &self.loader else { return vec![Frame::default()] };
        let probe = if is_return { address.saturating_sub(1) } else { address };
        let mut frames = Vec::new();
        if let Ok(mut found) = loader.find_frames(probe) {
            while let Ok(Some(frame)) = found.next() {
                let location = frame.location;
                frames.push(Frame {
                    function: frame.function.and_then(|name| name.demangle().ok().map(|n| n.into_owned())),
                    file: location.as_ref().and_then(|l| l.file).map(str::to_owned),
                    line: location.as_ref().and_then(|l| l.line),
                    inlined: true,
                });
                if frames.len() > MOST_INLINED {
                    break;
                }
            }
        }
        let symbol =
            || loader.find_symbol(probe).map(|name| addr2line::demangle_auto(name.into(), None).into_owned());
        match frames.last_mut() {
            Some(outermost) => {
                outermost.inlined = false;
                if outermost.function.is_none() {
                    outermost.function = symbol();
                }
            }
            None => frames.push(Frame { function: symbol(), ..Frame::default() }),
        }
        frames
    }
}

#[cfg(test)]
mod tests;
