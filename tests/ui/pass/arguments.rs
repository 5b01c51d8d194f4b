//! Arguments and results of every kind that can travel.
#![deny(warnings)]

use std::borrow::Cow;
use std::collections::HashMap;
use std::time::Duration;

use bytemuck::{Pod, Zeroable};
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize, Clone)]
pub struct Order {
    amount: u64,
}

/// Plain-old-data needs no serde.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub struct Pixel {
    red: u8,
    green: u8,
}

#[multicore::task]
fn nothing() {}

#[multicore::task]
fn owned(order: Order, bytes: Vec<u8>, text: String, map: HashMap<String, (u32, Option<Duration>)>) -> Order {
    let _ = (bytes, text, map);
    order
}

#[multicore::task]
fn lent(order: &Order, orders: &[Order], bytes: &[u8], text: &str, pixels: &[Pixel], list: &Vec<u32>) -> Vec<Pixel> {
    let _ = (order, orders, bytes, text, list);
    pixels.to_vec()
}

/// Text and slices that it borrows are copied for the caller.
#[multicore::task]
fn first<'a>(text: &'a str, _other: &str) -> &'a str {
    text
}

#[multicore::task(codec = "raw")]
fn rest(bytes: &[u8]) -> &[u8] {
    &bytes[1..]
}

#[multicore::task]
fn later(orders: &[Order]) -> &[Order] {
    &orders[1..]
}

#[multicore::task]
fn dark(pixels: Vec<Pixel>) -> &'static [Pixel] {
    let _ = pixels;
    &[]
}

#[multicore::task]
fn named_lifetimes<'a, 'b>(first: &'a str, second: &'b [u8], third: Cow<'static, str>) -> usize
where
    'a: 'b,
{
    first.len() + second.len() + third.len()
}

#[multicore::task]
#[allow(clippy::too_many_arguments)]
fn twelve(
    a: u8,
    b: u16,
    c: u32,
    d: u64,
    mut e: i8,
    _: i16,
    g: i32,
    h: i64,
    i: f32,
    j: f64,
    k: char,
    l: (bool, [u8; 3]),
) -> Result<u8, String> {
    e += 1;
    let _ = (b, c, d, e, g, h, i, j, k, l);
    Ok(a)
}

#[multicore::task]
fn unused_name(_page: u32) -> Option<Box<Order>> {
    None
}

#[multicore::task(codec = "raw")]
fn raw_bytes(bytes: &[u8]) -> Vec<u8> {
    bytes.to_vec()
}

#[multicore::task(codec = "raw")]
fn raw_plain(pixels: Vec<Pixel>) -> String {
    pixels.len().to_string()
}

type Fallible<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

#[multicore::task(error = "text")]
fn any_error(text: &str) -> anyhow::Result<u32> {
    Ok(text.parse()?)
}

#[multicore::task(error = "text")]
fn boxed_error(text: &str) -> Fallible<Vec<u8>> {
    Ok(text.as_bytes().to_vec())
}

#[multicore::task(error = "text")]
fn text_error(text: &str) -> Result<(), String> {
    Err(text.to_owned())
}

fn main() {
    let order = Order { amount: 1 };
    let text = String::from("text");
    let orders = vec![order.clone()];
    let pixels = [Pixel { red: 1, green: 2 }];
    let _: multicore::Call<'static, Order> = owned::call(order.clone(), vec![], text.clone(), HashMap::new());
    let _: multicore::Call<'_, Vec<Pixel>> = lent::call(&order, &orders, &[1], &text, &pixels, &vec![1]);
    let _ = named_lifetimes::call(&text, b"bytes", "x".into());
    let _ = twelve::call(1, 2, 3, 4, 5, 6, 7, 8, 9.0, 10.0, 'k', (true, [1; 3]));
    let _: multicore::Call<'_, Result<u32, multicore::TextError>> = any_error::call("1");
    let _: multicore::Call<'_, Result<(), multicore::TextError>> = text_error::call("1");
    let _ = (boxed_error::call("x"), raw_bytes::call(b"x"), raw_plain::call(vec![]), nothing::call(), unused_name::call(1));
    assert_eq!(order.amount + u64::from(pixels[0].red + pixels[0].green), 4);
    assert_eq!(multicore::tasks().unwrap().len(), 15);
}
