//! Any closure or function in a child that sees all memory as it is; and a function with a thread of its own.
use multicore::{Error, Fork};
use std::collections::HashMap;
use std::rc::Rc;
use std::time::Duration;

/// What could never travel: borrowed, counted, and full of function pointers.
struct Shop<'a> {
    names: HashMap<&'a str, Rc<str>>,
    price: fn(&str) -> f64,
}

impl Shop<'_> {
    /// Runs in a child that is made when it is called; the caller goes on at once.
    #[multicore::forked(timeout = "10s")]
    fn total(&self, basket: &[&str], discount: impl Fn(f64) -> f64) -> f64 {
        let known = basket.iter().filter(|item| self.names.contains_key(*item));
        known.map(|item| discount((self.price)(item))).sum()
    }
}

/// A thread owns what it works on.
#[multicore::threaded(name = "mail")]
fn send(to: String, text: String) -> usize {
    // A connection that a `thread_local!` kept would be closed when this returns.
    format!("To: {to}\n\n{text}").len()
}

fn main() -> multicore::Result<()> {
    let text = String::from("apple pear");
    let names = text.split(' ').map(|name| (name, Rc::from(name.to_uppercase()))).collect();
    let mut shop = Shop { names, price: |item| item.len() as f64 };

    // Two children at once; each has the shop as it was when it was forked.
    let before = shop.total(&["apple", "plum"], |price| price / 2.0)?;
    shop.names.insert("plum", Rc::from("PLUM"));
    let after = shop.total(&["apple", "plum"], |price| price / 2.0)?;
    assert_eq!((before.join()?, after.join()?), (2.5, 4.5));

    // A closure. What the child changes stays there; what it returns comes back.
    let mut counted = 0;
    let child = multicore::fork(|| {
        counted += shop.names.len();
        counted
    })?;
    assert_eq!((child.join()?, counted), (3, 0));

    // What goes wrong there is an error here, and costs nothing else.
    let crash: multicore::Result<()> = multicore::fork(|| std::process::abort())?.join();
    assert!(matches!(crash, Err(Error::Died { .. })));
    let endless = Fork::new().name("endless").timeout(Duration::from_millis(50));
    let late: multicore::Result<()> = endless
        .spawn(|| {
            loop {
                std::thread::park();
            }
        })?
        .join();
    println!("{}", late.unwrap_err());

    // Beside a thread a fork is refused, and works again once the thread has ended.
    let sending = send("a@example.org".into(), "hello".into())?;
    let bytes = sending.join().expect("no panic");
    assert_eq!(bytes, 24);
    assert_eq!(multicore::fork(|| bytes + 1)?.join()?, 25);
    Ok(())
}
