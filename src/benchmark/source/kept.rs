//! Pages that were decoded or drawn lately.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use crate::page::Page;

/// Most pages kept.
const MOST_PAGES: usize = 32;
/// Most bytes of pixels kept, the newest page apart.
const MOST_BYTES: usize = 192 << 20;

type Slot = Arc<Mutex<Option<Arc<Page>>>>;

/// The pages asked for last.
///
/// A page is made under a lock of its own: threads that ask for different pages do not wait for each other, and those
/// that ask for the same one make it once.
#[derive(Default)]
pub struct Kept {
    slots: Mutex<VecDeque<(String, usize, Slot)>>,
}

impl Kept {
    /// The page of this name, made by `make` where it is not kept.
    pub fn get<E>(&self, name: &str, make: impl FnOnce() -> Result<Page, E>) -> Result<Arc<Page>, E> {
        let slot = self.slot(name);
        let mut place = slot.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(page) = &*place {
            return Ok(Arc::clone(page));
        }
        let page = Arc::new(make()?);
        *place = Some(Arc::clone(&page));
        self.weigh(name, page.pixels.as_raw().len());
        Ok(page)
    }

    /// The place of a page, which becomes the newest.
    fn slot(&self, name: &str) -> Slot {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        let at = slots.iter().position(|(n, ..)| n == name);
        let entry = at.and_then(|at| slots.remove(at)).unwrap_or_else(|| (name.to_owned(), 0, Slot::default()));
        let slot = Arc::clone(&entry.2);
        slots.push_front(entry);
        slots.truncate(MOST_PAGES);
        slot
    }

    /// Notes what a page weighs and drops the oldest where all are too heavy.
    fn weigh(&self, name: &str, bytes: usize) {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(entry) = slots.iter_mut().find(|(n, ..)| n == name) {
            entry.1 = bytes;
        }
        while slots.len() > 1 && slots.iter().map(|(_, bytes, _)| bytes).sum::<usize>() > MOST_BYTES {
            slots.pop_back();
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use image::RgbImage;

    fn page(side: u32) -> Result<Page, ()> {
        Ok(Page::from_pixels(RgbImage::new(side, 1)))
    }

    #[test]
    fn a_page_is_made_once_by_all_who_ask_for_it() {
        let (kept, made) = (Kept::default(), AtomicUsize::new(0));
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for name in ["a", "b", "a"] {
                        let make = || {
                            made.fetch_add(1, Ordering::Relaxed);
                            page(3)
                        };
                        kept.get(name, make).unwrap();
                    }
                });
            }
        });
        assert_eq!(made.load(Ordering::Relaxed), 2);
    }

    #[test]
    fn a_page_being_made_does_not_block_another() {
        let kept = Kept::default();
        kept.get("slow", || {
            std::thread::scope(|scope| scope.spawn(|| kept.get("quick", || page(1)).unwrap()).join().unwrap());
            page(2)
        })
        .unwrap();
    }

    #[test]
    fn failures_are_tried_again_and_the_oldest_is_forgotten() {
        let kept = Kept::default();
        assert!(kept.get("a", || Err(())).is_err());
        for n in 0..MOST_PAGES + 1 {
            kept.get(&n.to_string(), || page(1)).unwrap();
        }
        assert!(kept.get("1", || Err(())).is_ok(), "still there");
        assert!(kept.get("0", || Err(())).is_err(), "forgotten");
        kept.get("huge", || Ok::<_, ()>(Page::from_pixels(RgbImage::new(1 << 13, 1 << 13)))).unwrap();
        assert!(kept.get("1", || Err(())).is_err(), "too heavy together");
    }
}
