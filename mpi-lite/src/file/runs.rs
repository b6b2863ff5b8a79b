//! Reading and writing pieces of the stream by as few system calls as may be: each is a message to the host's file server.
//!
//! Reads take small holes along: one large read costs less than two small ones. Writes never do: a hole belongs to others, who may
//! write there at the same time, so it must not be written back as it was read.

use super::File;
use super::view::{Run, View};
use crate::abi::MPI_ERR_IO;
use crate::error::Result;
use std::io::ErrorKind;
use std::os::unix::fs::FileExt;

/// A hole up to this size is read and thrown away: what the system moves in about the time of one more call.
pub const HOLE: u64 = 64 << 10;

impl File {
    /// Reads at a place of the file until `to` is full or the file ends.
    pub fn read_at(&self, offset: u64, to: &mut [u8]) -> Result<usize> {
        let mut done = 0;
        while done < to.len() {
            match self.system.read_at(&mut to[done..], offset + done as u64) {
                Ok(0) => break,
                Ok(n) => done += n,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => {
                    let what = format!("{} bytes at {offset} cannot be read", to.len());
                    return Err(self.failed(&what, &error));
                }
            }
        }
        Ok(done)
    }

    /// Writes at a place of the file.
    pub fn write_at(&self, offset: u64, bytes: &[u8]) -> Result<()> {
        self.system.write_all_at(bytes, offset).map_err(|error| {
            self.failed(&format!("{} bytes at {offset} cannot be written", bytes.len()), &error)
        })
    }

    /// Reads the stream from byte `at` on; says how many bytes came before the end of the file.
    pub fn read_stream(&self, view: &View, at: u64, to: &mut [u8]) -> Result<usize> {
        let most = self.hints.borrow().read_buffer;
        let mut runs = view.runs(at, to.len() as u64).peekable();
        let (mut done, mut buffer) = (0, Vec::new());
        while let Some(first) = runs.next() {
            let mut group = vec![first];
            let (mut end, mut bytes) = (first.offset + first.len, first.len);
            while let Some(next) = runs.next_if(|next| {
                let hole = next.offset.checked_sub(end);
                hole.is_some_and(|hole| hole <= HOLE) && next.offset + next.len - first.offset <= most
            }) {
                end = next.offset + next.len;
                bytes += next.len;
                group.push(next);
            }
            let target = &mut to[done..done + bytes as usize];
            let got = match group.len() {
                1 => self.read_at(first.offset, target)?,
                _ => self.read_group(&group, target, &mut buffer)?,
            };
            done += got;
            if got < bytes as usize {
                break;
            }
        }
        Ok(done)
    }

    /// Reads runs that are close to each other, with the holes.
    fn read_group(&self, group: &[Run], to: &mut [u8], buffer: &mut Vec<u8>) -> Result<usize> {
        let (first, last) = (group[0], group[group.len() - 1]);
        buffer.resize((last.offset + last.len - first.offset) as usize, 0);
        let got = self.read_at(first.offset, buffer)?;
        let mut done = 0;
        for run in group {
            let from = ((run.offset - first.offset) as usize).min(got);
            let piece = &buffer[from..(from + run.len as usize).min(got)];
            to[done..done + piece.len()].copy_from_slice(piece);
            done += piece.len();
        }
        Ok(done)
    }

    /// Writes the stream from byte `at` on.
    pub fn write_stream(&self, view: &View, at: u64, bytes: &[u8]) -> Result<()> {
        let mut left = bytes;
        for run in view.runs(at, bytes.len() as u64) {
            let (now, later) = left.split_at(run.len as usize);
            self.write_at(run.offset, now)?;
            left = later;
        }
        if left.is_empty() {
            return Ok(());
        }
        let text = format!("the view has no place for {} of {} bytes", left.len(), bytes.len());
        Err(self.error(MPI_ERR_IO, &text))
    }
}
