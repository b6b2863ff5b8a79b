//! Calls that move bytes.

use super::{Path, done};
use crate::errno::{Errno, Result, SysResult};
use crate::fs::like::{self, Manner, event};
use crate::fs::open::{O_ACCMODE, O_APPEND, O_RDONLY, Object, OpenFile};
use crate::fs::{self};
use crate::mm::room;
use crate::user::{self, IoVec};
use alloc::vec::Vec;

/// Most bytes of one transfer (MAX_RW_COUNT).
const TRANSFER_MAX: usize = 0x7fff_f000;
/// Pieces up to this are put together into one message to the server or the console.
const GATHER_MAX: usize = 64 << 10;
/// Buffer for copies within the kernel.
const COPY_BYTES: usize = 1 << 20;
/// Zeros written at once.
const FILL_BYTES: u64 = 1 << 20;

fn length(count: u64) -> usize {
    usize::try_from(count).unwrap_or(usize::MAX).min(TRANSFER_MAX)
}

/// A file position given by the program.
pub fn position(offset: u64) -> Result<u64> {
    if offset > i64::MAX as u64 { Err(Errno::EINVAL) } else { Ok(offset) }
}

/// Position of preadv2 and pwritev2, of which -1 is the file's own; flags are only hints here, but a wish that nothing
/// waits or that data is on disk cannot be granted.
pub fn with_flags(offset: u64, flags: u64) -> Result<Option<u64>> {
    const RWF_HIPRI: u64 = 1;
    if flags & !RWF_HIPRI != 0 {
        return Err(Errno::EOPNOTSUPP);
    }
    if offset == u64::MAX { Ok(None) } else { position(offset).map(Some) }
}

fn seekable(file: &OpenFile) -> Result<()> {
    if file.is_seekable() { Ok(()) } else { Err(Errno::ESPIPE) }
}

pub fn read(fd: u64, buf: u64, count: u64) -> SysResult {
    let file = fs::open_file(fd as i32)?;
    let len = length(count);
    match &file.object {
        Object::Stream(s) => like::read(Manner::of(&file), s, || s.read(user::slice_mut(buf, len)?)),
        _ => file.read(user::slice_mut(buf, len)?),
    }
}

pub fn write(fd: u64, buf: u64, count: u64) -> SysResult {
    let file = fs::open_file(fd as i32)?;
    let len = length(count);
    match &file.object {
        Object::Stream(_) => write_stream(&file, buf, len),
        _ => file.write(user::slice(buf, len)?),
    }
}

/// Writes to a pipe, socket or the like: after each wait the program's memory is looked at anew.
fn write_stream(file: &OpenFile, buf: u64, len: usize) -> SysResult {
    let Object::Stream(s) = &file.object else { return Err(Errno::EINVAL) };
    user::slice(buf, len)?;
    like::write(Manner::of(file), s, len, |done| s.write(&user::slice(buf, len)?[done..]))
}

/// Reads from a pipe, socket or the like into several pieces: what is there, at once.
fn read_stream(file: &OpenFile, iov: &[IoVec]) -> SysResult {
    let Object::Stream(s) = &file.object else { return Err(Errno::EINVAL) };
    let mut data = room::buffer(iov.iter().map(|p| p.len).sum::<usize>().min(COPY_BYTES));
    let n = like::read(Manner::of(file), s, || s.read(&mut data))?;
    user::scatter(iov, &data[..n])?;
    Ok(n)
}

pub fn pread(fd: u64, buf: u64, count: u64, offset: u64) -> SysResult {
    let file = fs::open_file(fd as i32)?;
    seekable(&file)?;
    file.read_at(position(offset)?, user::slice_mut(buf, length(count))?)
}

pub fn pwrite(fd: u64, buf: u64, count: u64, offset: u64) -> SysResult {
    let file = fs::open_file(fd as i32)?;
    seekable(&file)?;
    file.write_at(position(offset)?, user::slice(buf, length(count))?)
}

/// Adds what one piece did to a total; an error counts only if nothing was done before it.
fn pieces(iov: &[IoVec], mut step: impl FnMut(&IoVec, usize) -> SysResult) -> SysResult {
    let mut total = 0;
    for piece in iov.iter().filter(|p| p.len > 0) {
        match step(piece, total) {
            Ok(n) => {
                total += n;
                if n < piece.len {
                    break;
                }
            }
            Err(e) if total == 0 => return Err(e),
            Err(_) => break,
        }
    }
    Ok(total)
}

pub fn readv(fd: u64, iov: u64, count: u64, at: Option<u64>) -> SysResult {
    let file = fs::open_file(fd as i32)?;
    let iov = user::iovecs(iov, length(count))?;
    if at.is_some() {
        seekable(&file)?;
    }
    if let Object::Stream(_) = &file.object {
        return read_stream(&file, &iov);
    }
    pieces(&iov, |piece, done| {
        // What came is returned; nobody waits for more.
        if done > 0 && file.events() & event::READ == 0 {
            return Ok(0);
        }
        let buf = user::slice_mut(piece.base, piece.len)?;
        match at {
            Some(at) => file.read_at(at + done as u64, buf),
            None => file.read(buf),
        }
    })
}

pub fn writev(fd: u64, iov: u64, count: u64, at: Option<u64>) -> SysResult {
    let file = fs::open_file(fd as i32)?;
    let iov = user::iovecs(iov, length(count))?;
    if at.is_some() {
        seekable(&file)?;
    }
    let put = |done: usize, data: &[u8]| match at {
        Some(at) => file.write_at(at + done as u64, data),
        None => file.write(data),
    };
    if iov.len() > 1 && iov.iter().map(|p| p.len).sum::<usize>() <= GATHER_MAX {
        let mut data = Vec::new();
        room::reserve(&mut data, iov.iter().map(|p| p.len).sum())?;
        for piece in &iov {
            data.extend_from_slice(user::slice(piece.base, piece.len)?);
        }
        return put(0, &data);
    }
    pieces(&iov, |piece, done| match &file.object {
        Object::Stream(_) => write_stream(&file, piece.base, piece.len),
        _ => put(done, user::slice(piece.base, piece.len)?),
    })
}

pub fn lseek(fd: u64, offset: u64, whence: u64) -> SysResult {
    fs::open_file(fd as i32)?.seek(offset as i64, whence as u32).map(|p| p as usize)
}

/// Copies up to `count` bytes, each side at a position of the program's or at the file's own.
fn copy(
    from: &OpenFile,
    at: &mut Option<u64>,
    to: &OpenFile,
    put_at: &mut Option<u64>,
    count: usize,
) -> SysResult {
    let mut buf = room::buffer(COPY_BYTES.min(count));
    let mut total = 0;
    while total < count {
        let want = buf.len().min(count - total);
        let got = match at {
            Some(at) => from.read_at(*at, &mut buf[..want]),
            None => from.read(&mut buf[..want]),
        };
        let put = got.and_then(|n| match put_at {
            Some(at) => to.write_at(*at, &buf[..n]),
            None => to.write(&buf[..n]),
        });
        match put {
            Ok(0) => break,
            Ok(n) => {
                total += n;
                for at in [&mut *at, &mut *put_at].into_iter().flatten() {
                    *at += n as u64;
                }
            }
            Err(e) if total == 0 => return Err(e),
            Err(_) => break,
        }
    }
    Ok(total)
}

fn optional_position(address: u64) -> Result<Option<u64>> {
    if address == 0 { Ok(None) } else { position(user::read(address)?).map(Some) }
}

fn store_position(address: u64, at: Option<u64>) -> Result<()> {
    at.map_or(Ok(()), |at| user::write(address, &at))
}

pub fn sendfile(to: u64, from: u64, offset: u64, count: u64) -> SysResult {
    let (from, to) = (fs::open_file(from as i32)?, fs::open_file(to as i32)?);
    let mut at = optional_position(offset)?;
    let n = copy(&from, &mut at, &to, &mut None, length(count))?;
    store_position(offset, at)?;
    Ok(n)
}

pub fn copy_file_range(
    from: u64,
    from_offset: u64,
    to: u64,
    to_offset: u64,
    count: u64,
    flags: u64,
) -> SysResult {
    if flags != 0 {
        return Err(Errno::EINVAL);
    }
    let (from, to) = (fs::open_file(from as i32)?, fs::open_file(to as i32)?);
    seekable(&from)?;
    seekable(&to)?;
    if from.directory || to.directory {
        return Err(Errno::EISDIR);
    }
    if to.flags() & O_APPEND != 0 {
        return Err(Errno::EBADF);
    }
    let (mut at, mut put_at) = (optional_position(from_offset)?, optional_position(to_offset)?);
    let n = copy(&from, &mut at, &to, &mut put_at, length(count))?;
    store_position(from_offset, at)?;
    store_position(to_offset, put_at)?;
    Ok(n)
}

pub fn getdents64(fd: u64, buf: u64, count: u64) -> SysResult {
    let file = fs::open_file(fd as i32)?;
    let buf = user::slice_mut(buf, length(count))?;
    let (mut used, mut full) = (0, false);
    file.entries(|entry| {
        // struct linux_dirent64: d_ino[8] d_off[8] d_reclen[2] d_type[1] d_name with its NUL, to a multiple of 8.
        let len = (19 + entry.name.len() + 1).next_multiple_of(8);
        let Some(record) = buf.get_mut(used..used + len) else {
            full = true;
            return false;
        };
        record.fill(0);
        record[..8].copy_from_slice(&entry.ino.to_le_bytes());
        record[8..16].copy_from_slice(&entry.next.to_le_bytes());
        record[16..18].copy_from_slice(&(len as u16).to_le_bytes());
        record[18] = entry.kind;
        record[19..19 + entry.name.len()].copy_from_slice(&entry.name);
        used += len;
        true
    })?;
    if used == 0 && full { Err(Errno::EINVAL) } else { Ok(used) }
}

pub fn ftruncate(fd: u64, len: u64) -> SysResult {
    let file = fs::open_file(fd as i32)?;
    done(file.set_len(position(len)?))
}

pub fn truncate(path: u64, len: u64) -> SysResult {
    let len = position(len)?;
    let node = Path::cwd(path)?.node(true)?;
    let node = node.as_ref();
    if node.attr()?.is_dir() {
        return Err(Errno::EISDIR);
    }
    done(node.set_len(len))
}

pub fn fallocate(fd: u64, mode: u64, offset: u64, len: u64) -> SysResult {
    let file = fs::open_file(fd as i32)?;
    if mode != 0 {
        return Err(Errno::EOPNOTSUPP);
    }
    let end = position(offset)?.checked_add(position(len)?).filter(|_| len > 0).ok_or(Errno::EINVAL)?;
    if end > i64::MAX as u64 {
        return Err(Errno::EFBIG);
    }
    if file.flags() & O_ACCMODE == O_RDONLY {
        return Err(Errno::EBADF);
    }
    seekable(&file)?;
    done(fill(&file, end))
}

/// Lengthens a file with zeros that are written, so that the host has room for them, which a longer length alone does
/// not ensure.
fn fill(file: &OpenFile, end: u64) -> Result<()> {
    let size = file.attr()?.size;
    let zeros = room::buffer(FILL_BYTES.min(end.saturating_sub(size)) as usize);
    let mut at = size;
    while at < end {
        let n = (end - at).min(zeros.len() as u64) as usize;
        match file.write_at(at, &zeros[..n]) {
            Ok(0) => return Err(Errno::ENOSPC),
            Ok(n) => at += n as u64,
            Err(errno) => {
                // All or nothing: what was added goes again.
                let _ = file.set_len(size);
                return Err(errno);
            }
        }
    }
    Ok(())
}

pub fn fsync(fd: u64, data_only: bool) -> SysResult {
    done(fs::open_file(fd as i32)?.sync(data_only))
}
