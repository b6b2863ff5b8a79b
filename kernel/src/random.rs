//! Random numbers: ChaCha20 (RFC 8439) keyed by the launcher's seed.

use crate::cell::KernelCell;

struct Generator {
    key: [u32; 8],
    counter: u64,
}

static GENERATOR: KernelCell<Generator> = KernelCell::new(Generator { key: [0; 8], counter: 0 });

/// Keys the generator. Without the launcher's bytes the time stamp counter has to do, which an observer could guess.
pub fn seed(bytes: Option<[u8; 32]>) {
    let mut bytes = bytes.unwrap_or_default();
    for (byte, tsc) in bytes.iter_mut().zip(crate::time::tsc().to_le_bytes()) {
        *byte ^= tsc;
    }
    let mut generator = GENERATOR.borrow();
    for (word, bytes) in generator.key.iter_mut().zip(bytes.chunks_exact(4)) {
        *word = u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
    }
}

/// Fills a buffer with random bytes.
pub fn fill(buffer: &mut [u8]) {
    let mut generator = GENERATOR.borrow();
    for chunk in buffer.chunks_mut(64) {
        let block = chacha20_block(&generator.key, generator.counter, [0, 0]);
        generator.counter += 1;
        chunk.copy_from_slice(&block[..chunk.len()]);
    }
    // The key of what comes next is not the key of what has been given out.
    let next = chacha20_block(&generator.key, generator.counter, [0, 0]);
    for (word, bytes) in generator.key.iter_mut().zip(next.chunks_exact(4)) {
        *word = u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
    }
    generator.counter = 0;
}

fn chacha20_block(key: &[u32; 8], counter: u64, nonce: [u32; 2]) -> [u8; 64] {
    let mut start = [0u32; 16];
    start[..4].copy_from_slice(&[0x6170_7865, 0x3320_646e, 0x7962_2d32, 0x6b20_6574]);
    start[4..12].copy_from_slice(key);
    start[12..].copy_from_slice(&[counter as u32, (counter >> 32) as u32, nonce[0], nonce[1]]);
    let mut state = start;
    for _ in 0..10 {
        for i in 0..4 {
            quarter(&mut state, [i, 4 + i, 8 + i, 12 + i]);
        }
        for i in 0..4 {
            quarter(&mut state, [i, 4 + (i + 1) % 4, 8 + (i + 2) % 4, 12 + (i + 3) % 4]);
        }
    }
    let mut block = [0; 64];
    for (i, bytes) in block.chunks_exact_mut(4).enumerate() {
        bytes.copy_from_slice(&state[i].wrapping_add(start[i]).to_le_bytes());
    }
    block
}

fn quarter(s: &mut [u32; 16], [a, b, c, d]: [usize; 4]) {
    for (turn_d, turn_b) in [(16, 12), (8, 7)] {
        s[a] = s[a].wrapping_add(s[b]);
        s[d] = (s[d] ^ s[a]).rotate_left(turn_d);
        s[c] = s[c].wrapping_add(s[d]);
        s[b] = (s[b] ^ s[c]).rotate_left(turn_b);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 8439, section 2.3.2.
    #[test]
    fn block_of_the_rfc() {
        let mut key = [0u32; 8];
        for (i, word) in key.iter_mut().enumerate() {
            let b = 4 * i as u32;
            *word = b | (b + 1) << 8 | (b + 2) << 16 | (b + 3) << 24;
        }
        let block = chacha20_block(&key, 1 | 0x0900_0000 << 32, [0x4a00_0000, 0]);
        assert_eq!(block[..8], [0x10, 0xf1, 0xe7, 0xe4, 0xd1, 0x3b, 0x59, 0x15]);
        assert_eq!(block[60..], [0xa2, 0x50, 0x3c, 0x4e]);
    }

    #[test]
    fn buffers_of_any_length_differ() {
        seed(Some([1; 32]));
        let (mut a, mut b) = ([0; 100], [0; 100]);
        fill(&mut a);
        fill(&mut b);
        assert_ne!(a, b);
        assert_ne!(a[..64], a[36..]);
    }
}
