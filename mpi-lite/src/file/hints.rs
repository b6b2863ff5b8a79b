//! Hints of files (MPI 5.0, section 14.2.8): those that mean something here.

use crate::error::Result;
use crate::info::Info;

/// Bytes that a read of scattered data may ask the system for at once, holes included.
const READ_BUFFER: u64 = 1 << 20;
/// Permissions of new files, before the process's mask.
const PERMISSIONS: u32 = 0o666;

/// Hints in use.
#[derive(Clone, Debug)]
pub struct Hints {
    /// `collective_buffering`: ranks exchange what is interleaved in the file, see [`super::together`].
    pub collective: bool,
    /// `cb_nodes`: ranks that do the reading and writing then.
    pub collectors: usize,
    /// `ind_rd_buffer_size`, see [`READ_BUFFER`].
    pub read_buffer: u64,
    /// `file_perm`, octal.
    permissions: u32,
    /// `access_style`.
    style: Option<String>,
}

impl Hints {
    /// Those of `info`, and what holds without them.
    pub fn new(info: &Info, ranks: usize) -> Result<Self> {
        let mut hints = Self {
            collective: true,
            collectors: ranks,
            read_buffer: READ_BUFFER,
            permissions: PERMISSIONS,
            style: None,
        };
        hints.change(info, ranks)?;
        Ok(hints)
    }

    /// Takes over from `info` what is understood; anything else is ignored, as the standard wants it.
    pub fn change(&mut self, info: &Info, ranks: usize) -> Result<()> {
        let number =
            |key| info.value(key).map(|value| value.and_then(|text| text.trim().parse::<u64>().ok()));
        match info.value("collective_buffering")? {
            Some("true" | "enable") => self.collective = true,
            Some("false" | "disable") => self.collective = false,
            _ => {}
        }
        if let Some(n) = number("cb_nodes")?.filter(|n| *n > 0) {
            self.collectors = ranks.min(usize::try_from(n).unwrap_or(ranks));
        }
        if let Some(n) = number("ind_rd_buffer_size")?.filter(|n| *n > 0) {
            self.read_buffer = n;
        }
        if let Some(mode) = info.value("file_perm")?.and_then(|text| u32::from_str_radix(text.trim(), 8).ok())
        {
            self.permissions = mode & 0o777;
        }
        if let Some(style) = info.value("access_style")? {
            self.style = Some(style.to_owned());
        }
        Ok(())
    }

    /// Permissions of a new file.
    pub fn permissions(&self) -> u32 {
        self.permissions
    }

    /// All of them, for the program.
    pub fn info(&self) -> Result<Info> {
        let mut info = Info::default();
        info.set("collective_buffering", if self.collective { "true" } else { "false" })?;
        info.set("cb_nodes", &self.collectors.to_string())?;
        info.set("ind_rd_buffer_size", &self.read_buffer.to_string())?;
        info.set("file_perm", &format!("{:o}", self.permissions))?;
        if let Some(style) = &self.style {
            info.set("access_style", style)?;
        }
        Ok(info)
    }
}
