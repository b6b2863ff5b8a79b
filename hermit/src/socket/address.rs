//! Addresses of sockets, between the crate's layout and Linux': they differ in the first two bytes, which hold length and
//! family here, a family of 16 bits there.

use core::ptr;

use hermit_abi::{
    AF_INET, AF_INET6, AF_UNSPEC, AF_VSOCK, EINVAL, sockaddr, sockaddr_in, sockaddr_in6, sockaddr_vm,
    socklen_t,
};

pub const LINUX_AF_INET: u16 = 2;
pub const LINUX_AF_INET6: u16 = 10;
const LINUX_AF_VSOCK: u16 = 40;

/// The crate's families, Linux' numbers for them, and how long an address is.
const FAMILIES: [(i32, u16, usize); 4] = [
    (AF_UNSPEC, 0, 2),
    (AF_INET, LINUX_AF_INET, size_of::<sockaddr_in>()),
    (AF_INET6, LINUX_AF_INET6, size_of::<sockaddr_in6>()),
    (AF_VSOCK, LINUX_AF_VSOCK, size_of::<sockaddr_vm>()),
];

/// Linux' number of a family.
pub fn family_to_linux(family: u8) -> Option<u16> {
    FAMILIES.iter().find(|known| known.0 == i32::from(family)).map(|known| known.1)
}

/// An address in Linux' layout.
#[repr(C)]
pub struct Address {
    bytes: [u8; 128],
    size: socklen_t,
}

impl Address {
    /// Room for one that the kernel fills in.
    pub fn room() -> Self {
        Self { bytes: [0; 128], size: 128 }
    }

    /// The caller's address.
    ///
    /// # Safety
    /// `name` is null or has `len` bytes.
    pub unsafe fn read(name: *const sockaddr, len: socklen_t) -> Result<Self, i32> {
        let mut address = Self::room();
        if name.is_null() || (len as usize) < 2 || len as usize > address.bytes.len() {
            return Err(EINVAL);
        }
        // SAFETY: so many bytes are there, and fit.
        unsafe { ptr::copy_nonoverlapping(name.cast(), address.bytes.as_mut_ptr(), len as usize) };
        let family = i32::from(address.bytes[1]);
        let Some(&(_, linux, size)) = FAMILIES.iter().find(|known| known.0 == family) else {
            return Err(EINVAL);
        };
        if (len as usize) < size {
            return Err(EINVAL);
        }
        address.bytes[..2].copy_from_slice(&linux.to_ne_bytes());
        address.size = (size as socklen_t).max(if linux == 0 { 16 } else { 0 });
        Ok(address)
    }

    /// Hands the address to the caller; there must be room for all of it.
    ///
    /// # Safety
    /// Both are the caller's, and `name` has as many bytes as `len` says.
    pub unsafe fn write(&self, name: *mut sockaddr, len: *mut socklen_t) -> Result<(), i32> {
        let family = u16::from_ne_bytes([self.bytes[0], self.bytes[1]]);
        let known = FAMILIES.iter().find(|known| known.1 == family && family != 0);
        // SAFETY: the caller's.
        let room = unsafe { len.read() } as usize;
        let Some(&(family, _, size)) = known.filter(|known| known.2 <= room) else { return Err(EINVAL) };
        let mut bytes = self.bytes;
        bytes[..2].copy_from_slice(&[size as u8, family as u8]);
        // SAFETY: there is room.
        unsafe {
            ptr::copy_nonoverlapping(bytes.as_ptr(), name.cast(), size);
            len.write(size as socklen_t);
        }
        Ok(())
    }

    /// Where Linux finds or leaves it.
    pub fn bytes(&mut self) -> *mut u8 {
        self.bytes.as_mut_ptr()
    }

    /// Where Linux finds and leaves how long it is.
    pub fn len(&mut self) -> *mut socklen_t {
        &raw mut self.size
    }

    /// How long it is.
    pub fn size(&self) -> socklen_t {
        self.size
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(address: &[u8]) -> Result<Address, i32> {
        // SAFETY: so many bytes.
        unsafe { Address::read(address.as_ptr().cast(), address.len() as u32) }
    }

    #[test]
    fn there_and_back() {
        let hermit = [16, 3, 0x1f, 0x90, 127, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0];
        let address = read(&hermit).expect("an address");
        assert_eq!(address.bytes[..8], [2, 0, 0x1f, 0x90, 127, 0, 0, 1]);
        assert_eq!(address.size(), 16);
        let (mut back, mut len) = ([9u8; 20], 20);
        // SAFETY: room for 20 bytes.
        assert_eq!(unsafe { address.write(back.as_mut_ptr().cast(), &mut len) }, Ok(()));
        assert_eq!((&back[..16], &back[16..], len), (&hermit[..], &[9; 4][..], 16));
        len = 15;
        // SAFETY: as above.
        assert_eq!(unsafe { address.write(back.as_mut_ptr().cast(), &mut len) }, Err(EINVAL));
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for bytes in [&[16u8][..], &[16, 77, 0, 0], &[16, 3, 0, 0, 0, 0, 0], &[28, 1, 0], &[0; 129]] {
            assert_eq!(read(bytes).err(), Some(EINVAL));
        }
        // SAFETY: null is.
        assert!(unsafe { Address::read(ptr::null(), 16) }.is_err());
    }
}
