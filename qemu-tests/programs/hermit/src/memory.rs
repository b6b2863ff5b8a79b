//! Pages, the heap, random bytes.

use hermit_abi as abi;
use std::ptr::{null_mut, slice_from_raw_parts};

pub unsafe fn all() {
    pages();
    heap();
    entropy();
}

unsafe fn pages() {
    let page = abi::getpagesize() as usize;
    check!(page, 4096);
    let mut place = null_mut();
    check!(abi::mmap(3 * page, abi::PROT_READ | abi::PROT_WRITE, &mut place), 0);
    check!(place as usize % page, 0);
    check!((*slice_from_raw_parts(place, 3 * page)).iter().all(|&byte| byte == 0), true);
    place.add(page).write(7);
    check!(abi::mprotect(place, 3 * page, abi::PROT_READ), 0);
    check!(place.add(page).read(), 7);
    check!(abi::mprotect(place, 3 * page, abi::PROT_READ | abi::PROT_WRITE), 0);
    place.add(page).write(8);
    check!(abi::munmap(place, 3 * page), 0);
    check!(abi::mprotect(place, page, 0x100), -abi::EINVAL);
    check!(abi::mmap(page, 0x100, &mut place), -abi::EINVAL);
    check!(abi::mmap(0, abi::PROT_READ, &mut place), -abi::EINVAL);
    check!(abi::munmap(place.wrapping_add(1), page), -abi::EINVAL);
    check!((abi::errno(), abi::get_errno()), (abi::EINVAL, abi::EINVAL));
}

unsafe fn filled(place: *mut u8, len: usize, byte: u8) -> bool {
    !place.is_null() && (*slice_from_raw_parts(place, len)).iter().all(|&b| b == byte)
}

unsafe fn heap() {
    let mut pieces = Vec::new();
    for i in 0..200usize {
        let (size, align) = (1 + i * i * 7, 1usize << (i % 13));
        let place = [abi::malloc, abi::alloc, abi::alloc_zeroed][i % 3](size, align);
        check!(place.is_null(), false);
        check!(place as usize % align, 0);
        if i % 3 == 2 {
            check!(filled(place, size, 0), true);
        }
        place.write_bytes(i as u8, size);
        pieces.push((place, size, align));
    }
    for (i, piece) in pieces.iter_mut().enumerate() {
        let (place, size, align) = *piece;
        let new = if i % 2 == 0 { size * 3 } else { size.div_ceil(2) };
        let place = abi::realloc(place, size, align, new);
        check!(filled(place, size.min(new), i as u8), true);
        check!(place as usize % align, 0);
        *piece = (place, new, align);
    }
    for (i, &(place, size, align)) in pieces.iter().enumerate() {
        [abi::free, abi::dealloc][i % 2](place, size, align);
    }
    // What goes back to the kernel can be had again: more than a small VM has, altogether.
    for _ in 0..100 {
        let place = abi::malloc(16 << 20, 4096);
        check!(place.is_null(), false);
        place.write(1);
        abi::free(place, 16 << 20, 4096);
    }
    check!(abi::malloc(0, 8), null_mut());
    check!(abi::alloc(8, 3), null_mut());
    check!(abi::alloc_zeroed(usize::MAX, 8), null_mut());
    check!(abi::malloc(1 << 50, 8), null_mut());
    let place = abi::alloc(8, 8);
    check!(abi::realloc(place, 8, 8, 0), null_mut());
    abi::dealloc(place, 8, 8);
}

unsafe fn entropy() {
    let mut bytes = [[0u8; 1000]; 2];
    for half in &mut bytes {
        check!(abi::read_entropy(half.as_mut_ptr(), half.len(), 0), 1000);
    }
    check!(bytes[0] == bytes[1], false);
    check!(bytes[0][900..].iter().any(|&byte| byte != 0), true);
    check!(abi::read_entropy(bytes[0].as_mut_ptr(), 4, 1), -abi::EINVAL as isize);
}
