//! Texts that outlive who writes them.

use std::sync::atomic::Ordering::Relaxed;

use crate::shm::note::Note;

#[test]
fn a_note_is_cut_at_a_character() {
    let note: Box<Note<4>> = Box::new(note());
    assert_eq!(note.get(), None);
    note.set(&"ä".repeat(32));
    assert_eq!(note.get(), Some("ä".repeat(16)));
    note.set(&format!("x{}", "ä".repeat(32)));
    assert_eq!(note.get(), Some(format!("x{}", "ä".repeat(15))));
    note.clear();
    assert_eq!(note.get(), None);
    note.set("short");
    assert_eq!(note.get().as_deref(), Some("short"));
}

#[test]
fn a_note_is_read_whole_while_it_is_written() {
    let (note, texts) = (note::<8>(), ["one", "another one", "the longest of all the texts here"]);
    let over = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for n in 0..200_000 {
                note.set(texts[n % 3]);
            }
            over.store(true, Relaxed);
        });
        let mut seen = 0;
        while !over.load(Relaxed) || seen == 0 {
            if let Some(text) = note.get() {
                assert!(texts.contains(&text.as_str()), "{text}");
                seen += 1;
            }
        }
    });
}

/// As the region's memory is at first.
fn note<const WORDS: usize>() -> Note<WORDS> {
    // SAFETY: a note is made of atomics, for which zeroes are valid.
    unsafe { std::mem::zeroed() }
}
