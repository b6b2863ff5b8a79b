//! Page tables: identity, user pages only, 2 MiB pages wherever a whole one has the same rights.

use core::ptr::NonNull;

use x86_64::PhysAddr;
use x86_64::structures::paging::{PageTable, PageTableFlags as Flags};

use super::regions::Prot;

/// Bytes of a large page.
pub const LARGE: u64 = 2 << 20;
const SMALL: u64 = 4096;

/// Where page table pages come from. They are zeroed by the caller.
pub trait TablePages {
    /// One page.
    fn take(&mut self) -> Option<NonNull<u8>>;
    /// Takes a page back; the processor may still use it until the next flush.
    fn release(&mut self, page: NonNull<u8>);
}

/// The page tables of the VM. Table pages are identity mapped themselves.
pub struct PageTables {
    root: NonNull<PageTable>,
    nx: bool,
    /// Something was taken away or changed that the processor may have cached.
    stale: bool,
}

/// No page for a table was left.
#[derive(Debug, PartialEq, Eq)]
pub struct OutOfTables;

/// Rights of a table above the pages: those of the pages decide.
const TABLE: Flags = Flags::PRESENT.union(Flags::WRITABLE).union(Flags::USER_ACCESSIBLE);

fn index(address: u64, level: u32) -> usize {
    (address >> (12 + 9 * (level - 1))) as usize & 511
}

impl PageTables {
    /// Empty tables. `nx`: the processor knows the no-execute bit.
    pub fn new(pages: &mut impl TablePages, nx: bool) -> Result<Self, OutOfTables> {
        Ok(Self { root: new_table(pages)?, nx, stale: false })
    }

    /// Address of the top-level table.
    pub fn root(&self) -> u64 {
        self.root.as_ptr() as u64
    }

    /// True once per change that needs the cached translations forgotten.
    pub fn take_stale(&mut self) -> bool {
        core::mem::take(&mut self.stale)
    }

    fn flags(&self, prot: Prot) -> Flags {
        let mut flags = Flags::PRESENT | Flags::USER_ACCESSIBLE | Flags::ACCESSED;
        if prot == Prot::NONE {
            return Flags::empty();
        }
        if prot.allows(Prot::WRITE) {
            flags |= Flags::WRITABLE;
        }
        if self.nx && !prot.allows(Prot::EXEC) {
            flags |= Flags::NO_EXECUTE;
        }
        flags
    }

    /// The page directory (level 2 table) for an address.
    fn directory(
        &mut self,
        address: u64,
        pages: &mut impl TablePages,
    ) -> Result<&mut PageTable, OutOfTables> {
        let mut table = self.root;
        for level in [4, 3] {
            // SAFETY: `table` is one of our table pages, and we have the only reference.
            let entry = unsafe { &mut table.as_mut()[index(address, level)] };
            table = if entry.is_unused() {
                let next = new_table(pages)?;
                entry.set_addr(PhysAddr::new(next.as_ptr() as u64), TABLE);
                next
            } else {
                table_at(entry.addr())
            };
        }
        // SAFETY: as above.
        Ok(unsafe { table.as_mut() })
    }

    /// Makes sure that the directories for `[start, end)` exist, so that large pages there need no memory.
    pub fn prepare(&mut self, start: u64, end: u64, pages: &mut impl TablePages) -> Result<(), OutOfTables> {
        let mut at = start & !((1 << 30) - 1);
        while at < end {
            self.directory(at, pages)?;
            at += 1 << 30;
        }
        Ok(())
    }

    /// Gives `[start, end)` these rights, whatever it had. On an error the part below it is done.
    pub fn map(
        &mut self,
        start: u64,
        end: u64,
        prot: Prot,
        pages: &mut impl TablePages,
    ) -> Result<(), OutOfTables> {
        let flags = self.flags(prot);
        let mut stale = false;
        let mut at = start;
        while at < end {
            let next = ((at & !(LARGE - 1)) + LARGE).min(end);
            let directory = self.directory(at, pages)?;
            let entry = &mut directory[index(at, 2)];
            let had = entry.flags();
            if next - at == LARGE {
                if is_same(had, flags | Flags::HUGE_PAGE) {
                    at = next;
                    continue;
                }
                stale |= had.contains(Flags::PRESENT);
                let table =
                    (!entry.is_unused() && !had.contains(Flags::HUGE_PAGE)).then(|| table_at(entry.addr()));
                if flags.is_empty() {
                    entry.set_unused();
                } else {
                    entry.set_addr(PhysAddr::new(at), flags | Flags::HUGE_PAGE);
                }
                if let Some(table) = table {
                    pages.release(table.cast());
                }
            } else if !(flags.is_empty() && entry.is_unused()) {
                if had.contains(Flags::HUGE_PAGE) {
                    if is_same(had, flags | Flags::HUGE_PAGE) {
                        at = next;
                        continue;
                    }
                    split(entry, at & !(LARGE - 1), pages)?;
                    stale = true;
                } else if entry.is_unused() {
                    let table = new_table(pages)?;
                    entry.set_addr(PhysAddr::new(table.as_ptr() as u64), TABLE);
                }
                let mut table = table_at(entry.addr());
                // SAFETY: one of our table pages, only referenced here.
                let table = unsafe { table.as_mut() };
                for page in (at..next).step_by(SMALL as usize) {
                    let entry = &mut table[index(page, 1)];
                    if is_same(entry.flags(), flags) {
                        continue;
                    }
                    stale |= entry.flags().contains(Flags::PRESENT);
                    if flags.is_empty() {
                        entry.set_unused();
                    } else {
                        entry.set_addr(PhysAddr::new(page), flags);
                    }
                }
            }
            at = next;
        }
        self.stale |= stale;
        Ok(())
    }

    /// Rights of the page an address lies in; None if it is not mapped.
    pub fn lookup(&self, address: u64) -> Option<(bool, bool)> {
        let mut table = self.root;
        for level in [4, 3, 2, 1] {
            // SAFETY: as in `directory`.
            let entry = unsafe { &table.as_ref()[index(address, level)] };
            let flags = entry.flags();
            if !flags.contains(Flags::PRESENT) {
                return None;
            }
            if level == 1 || flags.contains(Flags::HUGE_PAGE) {
                return Some((flags.contains(Flags::WRITABLE), !flags.contains(Flags::NO_EXECUTE)));
            }
            table = table_at(entry.addr());
        }
        None
    }
}

/// True if a page has these rights already. What the processor has noted in its entry stays then.
fn is_same(had: Flags, flags: Flags) -> bool {
    had.contains(Flags::PRESENT) && ((had - Flags::DIRTY) | Flags::ACCESSED) == flags
}

fn table_at(address: PhysAddr) -> NonNull<PageTable> {
    // Identity mapping: the address in an entry is where the table is. Entries never hold 0.
    NonNull::new(address.as_u64() as *mut PageTable).expect("page table at address 0")
}

fn new_table(pages: &mut impl TablePages) -> Result<NonNull<PageTable>, OutOfTables> {
    let page = pages.take().ok_or(OutOfTables)?;
    // SAFETY: a page of ours, page aligned.
    unsafe { page.write_bytes(0, SMALL as usize) };
    Ok(page.cast())
}

/// Replaces a large page by a table of small ones with the same rights.
fn split(
    entry: &mut x86_64::structures::paging::page_table::PageTableEntry,
    start: u64,
    pages: &mut impl TablePages,
) -> Result<(), OutOfTables> {
    let flags = entry.flags() - Flags::HUGE_PAGE;
    let mut table = new_table(pages)?;
    // SAFETY: new, only referenced here.
    let small = unsafe { table.as_mut() };
    for (i, page) in small.iter_mut().enumerate() {
        page.set_addr(PhysAddr::new(start + i as u64 * SMALL), flags);
    }
    entry.set_addr(PhysAddr::new(table.as_ptr() as u64), TABLE);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::alloc::{Layout, alloc, dealloc};

    #[derive(Default)]
    struct Host {
        held: Vec<NonNull<u8>>,
        limit: usize,
    }
    const LAYOUT: Layout = match Layout::from_size_align(4096, 4096) {
        Ok(layout) => layout,
        Err(_) => panic!(),
    };
    impl TablePages for Host {
        fn take(&mut self) -> Option<NonNull<u8>> {
            if self.held.len() == self.limit {
                return None;
            }
            // SAFETY: not empty.
            let page = NonNull::new(unsafe { alloc(LAYOUT) })?;
            self.held.push(page);
            Some(page)
        }
        fn release(&mut self, page: NonNull<u8>) {
            let at = self.held.iter().position(|&p| p == page).expect("a page of ours");
            self.held.swap_remove(at);
            // SAFETY: from `take`.
            unsafe { dealloc(page.as_ptr(), LAYOUT) };
        }
    }

    fn tables(limit: usize) -> (PageTables, Host) {
        let mut host = Host { held: Vec::new(), limit };
        (PageTables::new(&mut host, true).unwrap(), host)
    }

    #[test]
    fn large_pages_where_they_fit() {
        let (mut t, mut host) = tables(100);
        t.map(LARGE, 4 * LARGE, Prot::RW, &mut host).unwrap();
        assert_eq!(host.held.len(), 3, "no table of small pages");
        assert_eq!(t.lookup(LARGE), Some((true, false)));
        assert_eq!(t.lookup(4 * LARGE - 1), Some((true, false)));
        assert_eq!(t.lookup(4 * LARGE), None);
        assert!(!t.take_stale(), "new pages need no flush");
    }

    #[test]
    fn a_hole_splits_and_filling_it_joins() {
        let (mut t, mut host) = tables(100);
        t.map(0, LARGE, Prot::RW, &mut host).unwrap();
        t.map(0x3000, 0x4000, Prot::NONE, &mut host).unwrap();
        assert!(t.take_stale());
        assert_eq!(host.held.len(), 4);
        assert_eq!(
            (t.lookup(0x2fff), t.lookup(0x3000), t.lookup(0x4000)),
            (Some((true, false)), None, Some((true, false)))
        );
        t.map(0x3000, 0x4000, Prot(5), &mut host).unwrap();
        assert_eq!(t.lookup(0x3800), Some((false, true)));
        t.map(0, LARGE, Prot::READ, &mut host).unwrap();
        assert_eq!(host.held.len(), 3, "the table is given back");
        assert_eq!(t.lookup(0x3000), Some((false, false)));
    }

    #[test]
    fn the_same_rights_again_need_no_flush() {
        let (mut t, mut host) = tables(100);
        t.map(0x1000, 2 * LARGE, Prot::RW, &mut host).unwrap();
        t.map(0x1000, 2 * LARGE, Prot::RW, &mut host).unwrap();
        assert!(!t.take_stale());
        t.map(LARGE, 2 * LARGE, Prot::READ, &mut host).unwrap();
        assert!(t.take_stale());
    }

    #[test]
    fn same_rights_do_not_split() {
        let (mut t, mut host) = tables(100);
        t.map(0, LARGE, Prot::RW, &mut host).unwrap();
        t.map(0x3000, 0x9000, Prot::RW, &mut host).unwrap();
        assert_eq!(host.held.len(), 3);
        t.map(5 * LARGE, 5 * LARGE + 0x1000, Prot::NONE, &mut host).unwrap();
        assert_eq!(host.held.len(), 3, "unmapping nothing needs no table");
    }

    #[test]
    fn out_of_tables_is_an_error() {
        let (mut t, mut host) = tables(3);
        assert_eq!(t.map(0, 0x1000, Prot::RW, &mut host), Err(OutOfTables));
    }
}
