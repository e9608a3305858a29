//! An allocator for guests, which live for one call.
//!
//! Rust's own allocator for WebAssembly grows the memory even while it has free pages, and the host pays for each growth
//! with a change of page protections that stops its other threads. This one hands out a fixed megabyte from front to
//! back, which is part of the module's initial memory, and turns to the system's allocator only when that is used up.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::{Cell, UnsafeCell};
use std::mem::MaybeUninit;
use std::ptr;

const ARENA_BYTES: usize = 1 << 20;

#[cfg(all(target_arch = "wasm32", feature = "arena"))]
#[global_allocator]
static ALLOCATOR: Arena<ARENA_BYTES> = Arena::new();

/// The memory, aligned for every primitive type.
#[repr(C, align(16))]
struct Block<const N: usize>(UnsafeCell<[MaybeUninit<u8>; N]>);

/// A block that is handed out from front to back. Memory in it is taken back only if it was the last handed out.
pub(crate) struct Arena<const N: usize = ARENA_BYTES> {
    block: Block<N>,
    /// How many bytes are handed out; never more than `N`.
    used: Cell<usize>,
}

// SAFETY: without atomics a WebAssembly module has one thread.
#[cfg(all(target_arch = "wasm32", not(target_feature = "atomics")))]
unsafe impl<const N: usize> Sync for Arena<N> {}

impl<const N: usize> Arena<N> {
    pub(crate) const fn new() -> Self {
        Self { block: Block(UnsafeCell::new([MaybeUninit::uninit(); N])), used: Cell::new(0) }
    }

    fn start(&self) -> *mut u8 {
        self.block.0.get().cast()
    }

    /// Where in the block this memory begins, if it is in the block.
    fn offset_of(&self, memory: *mut u8) -> Option<usize> {
        let offset = memory.addr().checked_sub(self.start().addr())?;
        (offset < N).then_some(offset)
    }

    /// Takes `size` bytes from the front of what is left.
    fn take(&self, layout: Layout) -> Option<*mut u8> {
        let address = self.start().addr() + self.used.get();
        let offset = address.checked_next_multiple_of(layout.align())? - self.start().addr();
        let end = offset.checked_add(layout.size())?;
        if end > N {
            return None;
        }
        self.used.set(end);
        // SAFETY: offset <= end <= N, so the pointer stays inside the block or at its end.
        Some(unsafe { self.start().add(offset) })
    }

    /// Whether memory of this size at this offset was the last handed out.
    fn is_last(&self, offset: usize, size: usize) -> bool {
        offset + size == self.used.get()
    }
}

// SAFETY: `take` hands out disjoint, aligned parts of the block; everything else is the system allocator's, and what is
// in the block never reaches that.
unsafe impl<const N: usize> GlobalAlloc for Arena<N> {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's layout is passed on as it is.
        self.take(layout).unwrap_or_else(|| unsafe { System.alloc(layout) })
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        match self.offset_of(memory) {
            Some(offset) if self.is_last(offset, layout.size()) => self.used.set(offset),
            Some(_) => {}
            // SAFETY: what is not in the block came from the system allocator, with this layout.
            None => unsafe { System.dealloc(memory, layout) },
        }
    }

    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        let Some(offset) = self.offset_of(memory) else {
            // SAFETY: what is not in the block came from the system allocator, with this layout.
            return unsafe { System.realloc(memory, layout, new_size) };
        };
        if new_size <= layout.size() {
            return memory;
        }
        if self.is_last(offset, layout.size()) && offset.checked_add(new_size).is_some_and(|end| end <= N) {
            self.used.set(offset + new_size);
            return memory;
        }
        // SAFETY: the caller guarantees that the new size, rounded up to the alignment, does not overflow.
        let new_layout = unsafe { Layout::from_size_align_unchecked(new_size, layout.align()) };
        // SAFETY: the new size is larger than the old one, so it is not zero.
        let new = unsafe { self.alloc(new_layout) };
        if !new.is_null() {
            // SAFETY: both are valid for the old, smaller size, and the new memory is no part of the old.
            unsafe { ptr::copy_nonoverlapping(memory, new, layout.size()) };
        }
        new
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WORD: Layout = Layout::new::<u64>();

    fn filled(memory: *mut u8, len: usize, with: u8) {
        // SAFETY: the tests pass memory that they were just given, with its length.
        unsafe { ptr::write_bytes(memory, with, len) };
    }

    #[test]
    fn memory_is_aligned_and_disjoint() {
        let arena = Arena::<256>::new();
        // SAFETY: the layouts are not empty.
        let (byte, word) = unsafe { (arena.alloc(Layout::new::<u8>()), arena.alloc(WORD)) };
        assert_eq!(word.addr() % WORD.align(), 0);
        assert!(word.addr() > byte.addr());
    }

    #[test]
    fn the_last_piece_grows_in_place_and_is_taken_back() {
        let arena = Arena::<256>::new();
        // SAFETY: each piece is used with the layout that it was given with.
        unsafe {
            let first = arena.alloc(WORD);
            let grown = arena.realloc(first, WORD, 64);
            assert_eq!(grown, first);
            arena.dealloc(grown, Layout::from_size_align_unchecked(64, WORD.align()));
            assert_eq!(arena.alloc(WORD), first);
        }
    }

    #[test]
    fn a_piece_that_is_not_last_is_copied() {
        let arena = Arena::<256>::new();
        // SAFETY: each piece is used with the layout that it was given with.
        unsafe {
            let first = arena.alloc(WORD);
            filled(first, 8, 7);
            let _second = arena.alloc(WORD);
            let moved = arena.realloc(first, WORD, 16);
            assert_ne!(moved, first);
            assert_eq!(std::slice::from_raw_parts(moved, 8), [7; 8]);
        }
    }

    #[test]
    fn a_full_arena_falls_back_to_the_system() {
        let arena = Arena::<64>::new();
        let large = Layout::array::<u8>(1000).unwrap();
        // SAFETY: each piece is used with the layout that it was given with.
        unsafe {
            let memory = arena.alloc(large);
            assert!(!memory.is_null() && arena.offset_of(memory).is_none());
            filled(memory, 1000, 3);
            let more = arena.realloc(memory, large, 2000);
            assert_eq!(std::slice::from_raw_parts(more, 1000), [3; 1000]);
            arena.dealloc(more, Layout::array::<u8>(2000).unwrap());
        }
    }

    #[test]
    fn a_piece_that_outgrows_the_arena_moves_out() {
        let arena = Arena::<64>::new();
        // SAFETY: each piece is used with the layout that it was given with.
        unsafe {
            let memory = arena.alloc(WORD);
            filled(memory, 8, 9);
            let moved = arena.realloc(memory, WORD, 500);
            assert!(arena.offset_of(moved).is_none());
            assert_eq!(std::slice::from_raw_parts(moved, 8), [9; 8]);
            arena.dealloc(moved, Layout::from_size_align_unchecked(500, WORD.align()));
        }
    }
}
