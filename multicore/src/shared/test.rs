//! Shared data in one process: what it holds, and where it may be named.

use std::ops::Bound;

use super::*;

fn numbers(len: usize) -> Shared<[u32]> {
    Shared::from_fn(len, |n| n as u32).expect("memory")
}

/// Encodes as a file would be written.
fn written(data: &Shared<[u32]>) -> Result<Vec<u8>, String> {
    let config = bincode::config::standard();
    bincode::serde::encode_to_vec(data, config).map_err(|error| error.to_string())
}

#[test]
fn it_is_what_was_put_in_whatever_its_length() {
    for len in [0, 1, 1023, 1024, 1025, 65_535, 65_536, 65_537, 200_000] {
        let expected: Vec<u32> = (0..len as u32).collect();
        assert_eq!(numbers(len)[..], expected);
        assert_eq!(share(&expected).unwrap()[..], expected);
    }
}

#[test]
fn a_part_of_a_part_is_a_part() {
    let data = numbers(1000);
    assert_eq!(data.slice(100..).slice(..=10).slice(1..)[..], data[101..=110]);
    assert!(data.slice(1000..).is_empty());
    assert_eq!(data.slice((Bound::Excluded(3), Bound::Unbounded))[0], 4);
    let beyond = std::panic::catch_unwind(|| data.slice(5..1001));
    assert!(beyond.is_err());
}

#[test]
fn a_slice_is_found_while_its_data_lives() {
    let data = numbers(5000);
    let (owner, place) = data::around(bytemuck::cast_slice(&data[10..20])).expect("it lies there");
    assert!(Arc::ptr_eq(&owner, &data.data));
    assert_eq!(place, 40..80);
    let copy = Vec::from(&data[..]);
    assert!(data::around(bytemuck::cast_slice(&copy)).is_none());
    let end = data.data.bytes();
    assert_eq!(data::around(&end[end.len()..]).map(|(_, place)| place), Some(20_000..20_000));
}

#[test]
fn only_the_arguments_of_a_call_can_name_it() {
    let data = numbers(5000);
    assert!(written(&data).unwrap_err().contains("travels only as an argument of a task"));
    let (encoded, named) = travel::naming(true, || [written(&data), written(&data.slice(1..))]);
    assert!(encoded.iter().all(Result::is_ok));
    assert_eq!(named.found.len(), 1, "it is one piece of data");
    let (encoded, named) = travel::naming(false, || written(&data));
    assert!(encoded.is_err() && named.refused.is_some());
    assert!(written(&data).is_err(), "that call is over");
    let [encoded, _] = travel::naming(true, || [written(&data), written(&data)]).0;
    let config = bincode::config::standard();
    let read = bincode::serde::decode_from_slice::<Shared<[u32]>, _>(&encoded.unwrap(), config);
    assert!(read.unwrap_err().to_string().contains("travels only as an argument of a task"));
}

#[test]
fn a_call_within_the_encoding_of_another_keeps_its_own_names() {
    let (outer, inner) = (numbers(5000), numbers(6000));
    let (found, named) = travel::naming(true, || {
        travel::name(&outer.data).unwrap();
        let ((), within) = travel::naming(true, || travel::name(&inner.data).unwrap());
        within.found.len()
    });
    assert_eq!((found, named.found.len()), (1, 1));
    assert!(Arc::ptr_eq(&named.found[0], &outer.data));
}

#[test]
fn a_short_slice_is_copied_and_a_long_one_named() {
    let data = numbers(5000);
    let (places, named) = travel::naming(true, || {
        [1023, 1024].map(|len| travel::name_slice(bytemuck::cast_slice(&data[100..100 + len])))
    });
    assert_eq!(places, [None, Some((data.data.id, 400))]);
    assert_eq!(named.found.len(), 1);
    assert_eq!(travel::name_slice(data.data.bytes()), None, "no call is made");
}
