//! Scratch.
use multicore::{Pool, Sandbox};
use multicore_tests::tasks;

#[test]
fn works() {
    multicore_tests::watch::within(20, || {
        let pool = Pool::builder().workers(2).sandbox(Sandbox::new().read("/proc/version")).build().unwrap();
        for n in 0..1000u64 {
            assert_eq!(pool.spawn(tasks::square::call(n)).unwrap().get().unwrap(), n * n);
        }
        let handles: Vec<_> = (0..1000u64).map(|n| pool.spawn(tasks::square::call(n)).unwrap()).collect();
        for (n, h) in (0..).zip(handles) {
            assert_eq!(h.get().unwrap(), n * n);
        }
    });
}
