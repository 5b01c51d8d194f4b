//! Without a prelude, and with names that would get in the way of careless generated code.
#![no_implicit_prelude]

mod bare {
    #[allow(dead_code)]
    pub struct Option;
    #[allow(dead_code)]
    pub struct Result;
    #[allow(dead_code)]
    pub struct Duration;
    #[allow(dead_code, non_camel_case_types)]
    pub struct str;
    #[allow(dead_code, non_camel_case_types)]
    pub struct usize;
    #[allow(dead_code)]
    pub mod core {}
    #[allow(dead_code)]
    pub mod std {}
    #[allow(dead_code)]
    pub mod multicore {}

    #[::multicore::task(timeout = "2s", name = "bare")]
    pub fn input(encoder: u32, reply: &[u8], all: ::std::string::String) -> u32 {
        let _ = (reply, all);
        encoder
    }

    #[::multicore::task]
    pub fn call(call: u32) -> u32 {
        call
    }

    #[::multicore::task(error = "text")]
    pub fn output(output: ::core::primitive::u32) -> ::std::result::Result<u32, ::std::string::String> {
        ::std::result::Result::Ok(output)
    }

    #[::multicore::worker_start]
    fn start() {}
}

#[::multicore::task]
fn positions(start: usize, end: usize) -> usize {
    end - start
}

#[::multicore::main]
fn main() {
    ::std::assert_eq!(bare::call(1), 1);
    ::std::assert_eq!(bare::input(1, &[], ::std::string::String::new()), 1);
    let _ = bare::output::call(2);
    let lengths = ::multicore::par_ranges!(0..4, positions, ranges = 2);
    ::std::assert_eq!(lengths.unwrap(), [2, 2]);
}
