//! Random bytes.

use hermit_abi::{EINTR, EINVAL};

/// Fills the buffer; flags there are none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sys_read_entropy(buf: *mut u8, len: usize, flags: u32) -> isize {
    if flags != 0 {
        return -EINVAL as isize;
    }
    let mut done = 0;
    while done < len {
        let result = linux!(GETRANDOM, buf.wrapping_add(done), len - done, 0);
        match result {
            1.. => done += result as usize,
            _ if result == -EINTR as isize => {}
            _ if done > 0 => break,
            _ => return result,
        }
    }
    done as isize
}
