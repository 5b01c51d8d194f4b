//! The README, so that its programs are compiled and run with the tests.
#![doc = include_str!("../../README.md")]
