//! What travels.

use multicore::{Backend, Codec, Error, Handle};

use crate::stage::Stage;
use crate::tasks::{self, Person};

pub(crate) fn every_kind_of_value_travels(stage: &Stage) {
    stage.get(tasks::nothing::call());
    assert_eq!(stage.get(tasks::square::call(12)), 144);
    assert_eq!(stage.get(tasks::shout::call("grüße, ß")), "GRÜSSE, SS");
    assert_eq!(stage.get(tasks::shout::call("")), "");
    let ann = Person { name: "Ann".to_owned(), age: Some(30), friends: vec![Person::default()] };
    let bob = Person { name: "Bob".to_owned(), age: None, friends: vec![ann.clone()] };
    let (found, times) = stage.get(tasks::befriend::call(&ann, bob.clone(), (7, 'ß')));
    assert_eq!((found.friends[1].clone(), times), (bob, (7, 'ß')));
    assert_eq!(ann.friends.len(), 1, "only a copy was changed");
}

/// They need not live longer than `spawn`.
pub(crate) fn arguments_are_borrowed(stage: &Stage) {
    let handles: Vec<Handle<String>> = (0..5)
        .map(|n| {
            let text = format!("number {n}");
            stage.spawn(tasks::shout::call(&text))
        })
        .collect();
    for (n, handle) in handles.into_iter().enumerate() {
        assert_eq!(handle.get().unwrap(), format!("NUMBER {n}"));
    }
}

pub(crate) fn every_codec_carries_what_it_can(stage: &Stage) {
    for codec in [Codec::Bincode, Codec::Raw] {
        assert_eq!(stage.get(tasks::echo::call(b"bytes").codec(codec)), b"bytes");
        assert_eq!(stage.get(tasks::shout::call("text").codec(codec)), "TEXT");
    }
    assert_eq!(stage.get(tasks::double::call(vec![0.5, 1.5])), [1.0, 3.0]);
    #[cfg(feature = "json")]
    {
        let ann = Person { name: "Ann".to_owned(), age: Some(30), friends: Vec::new() };
        let call = tasks::befriend::call(&ann, ann.clone(), (1, 'a')).codec(Codec::Json);
        assert_eq!(stage.get(call).0.friends, [ann]);
    }
    let end = stage.end(tasks::square::call(3).codec(Codec::Raw));
    if stage.is(Backend::Inline) {
        assert_eq!(end.unwrap(), 9, "nothing is encoded there");
    } else {
        assert!(matches!(end, Err(Error::Encode { what: "the arguments", .. })), "{end:?}");
    }
}

/// Different at each place.
fn bytes(len: usize) -> Vec<u8> {
    (0..len).map(|n| (n.wrapping_mul(31) >> 3) as u8).collect()
}

const LENGTHS: [usize; 12] = [0, 1, 15, 16, 80, 81, 4095, 4096, 4097, 65_537, 1 << 20, (1 << 20) + 1];

pub(crate) fn payloads_of_every_size_travel(stage: &Stage) {
    for len in LENGTHS {
        let sent = bytes(len);
        for codec in [Codec::Bincode, Codec::Raw] {
            assert!(stage.get(tasks::echo::call(&sent).codec(codec)) == sent, "{len}");
            assert!(stage.get(tasks::hand_back::call(&sent).codec(codec)) == sent, "{len}");
        }
        assert_eq!(stage.get(tasks::zeroes::call(len)).len(), len);
    }
    let large = bytes(32 << 20);
    assert!(stage.get(tasks::echo::call(&large)) == large);
}

pub(crate) fn large_results_can_be_read_where_they_are(stage: &Stage) {
    for len in LENGTHS {
        let sent = bytes(len);
        for call in [tasks::echo::call(&sent), tasks::hand_back::call(&sent)] {
            let borrowed = stage.spawn(call).get_ref().unwrap();
            let mut copy = vec![0; len];
            borrowed.copy_to(0, &mut copy);
            assert!(copy == sent, "{len}");
            assert_eq!((borrowed.len(), borrowed.get(len)), (len, None));
            assert_eq!(borrowed.is_in_place(), len > 4096 && !stage.is(Backend::Inline), "{len}");
            if !stage.is(Backend::Processes) {
                assert!(borrowed.as_slice().unwrap() == sent, "nobody else can write there");
            }
            assert!(borrowed.into_owned().unwrap() == sent);
        }
    }
    let failed = stage.spawn(tasks::hand_back::call(&[1; 5000]));
    drop(failed);
    let text = "größer ".repeat(1000);
    let shouted = stage.spawn(tasks::shout::call(&text)).get_ref().unwrap();
    assert_eq!(shouted.into_owned().unwrap(), text.to_uppercase());
}

pub(crate) fn a_payload_over_the_limit_is_an_error(stage: &Stage) {
    if stage.is(Backend::Inline) {
        // Nothing travels, so there is no limit to it.
        let refused = stage.config().payload_limit(8192).build();
        assert!(
            matches!(&refused, Err(Error::Config { what, .. }) if what == "payload_limit"),
            "{refused:?}"
        );
        assert_eq!(stage.pool.payload_limit(), u64::MAX);
        return;
    }
    let pool = stage.config().payload_limit(8192).build().unwrap();
    assert_eq!(pool.payload_limit(), 8192);
    for over in [0, 1, 100_000] {
        let len = 8192 + over;
        let argument = bytes(len);
        let sent = pool.spawn(tasks::echo::call(&argument).codec(Codec::Raw)).and_then(Handle::get);
        let made = pool.spawn(tasks::zeroes::call(len)).and_then(Handle::get);
        if over == 0 {
            assert_eq!((sent.unwrap().len(), made.unwrap().len()), (len, len));
            continue;
        }
        for end in [sent, made] {
            let Err(Error::TooLarge { need, limit, .. }) = end else { panic!("{end:?}") };
            assert_eq!((need, limit), (len as u64, 8192));
        }
    }
}
