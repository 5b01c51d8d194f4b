//! Fetches many pages at once, with a bar; and once more, as many as come in time: `parallel_map [PAGES]`.
//!
//! The pages are those of a small server that this program starts on the loopback address.

use std::error::Error;
use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use multicore::{Pool, join_all_timeout};

/// How long the server takes for a page.
const PAGE: Duration = Duration::from_millis(20);
/// How long for the last one.
const NEVER: Duration = Duration::from_secs(3600);

/// One blocking request: in a worker of its own it keeps nobody waiting.
#[multicore::task(error = "text")]
fn fetch(url: &str) -> Result<String, ureq::Error> {
    ureq::get(url).call()?.body_mut().read_to_string()
}

fn main() -> Result<(), Box<dyn Error>> {
    let pages: usize = std::env::args().nth(1).map_or(Ok(60), |pages| pages.parse())?;
    // They wait for the network most of the time: more of them than cores.
    let pool = Pool::builder().workers(8).build()?;
    let server = serve()?;
    let urls: Vec<_> = (0..pages).map(|page| format!("http://{server}/{page}")).collect();

    let start = Instant::now();
    let texts = pool.map(urls.iter().map(|url| fetch::call(url))).progress();
    for (page, text) in texts.enumerate() {
        assert_eq!(text??, format!("this is page {page}"), "in the order of the addresses");
    }
    println!(
        "{pages} pages in {:.1?}, one after another {:.1?} at least",
        start.elapsed(),
        PAGE * pages as u32
    );

    // One of them never comes. Those that do are there in time, and the handle of the other can be cancelled.
    let never = format!("http://{server}/never");
    let urls = urls.iter().take(7).chain([&never]);
    let handles = urls.map(|url| pool.spawn(fetch::call(url))).collect::<Result<Vec<_>, _>>()?;
    let joined = join_all_timeout(handles, Duration::from_secs(2));
    println!("{} pages in time, {} not", joined.finished.len(), joined.pending.len());
    assert!(joined.finished.iter().all(|(_, text)| matches!(text, Ok(Ok(_)))));
    for (_, handle) in joined.pending {
        handle.cancel();
        println!("{}", handle.get().unwrap_err());
    }
    Ok(())
}

/// Starts the server; its address.
fn serve() -> std::io::Result<SocketAddr> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let address = listener.local_addr()?;
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            // Whoever asks may be gone by now.
            thread::spawn(move || drop(answer(&stream)));
        }
    });
    Ok(address)
}

fn answer(mut stream: &TcpStream) -> std::io::Result<()> {
    let mut lines = BufReader::new(stream).lines();
    let first = lines.next().transpose()?.unwrap_or_default();
    // The rest of the request ends with an empty line.
    lines.map_while(Result::ok).find(String::is_empty);
    let page = first.split(' ').nth(1).unwrap_or_default().trim_start_matches('/');
    thread::sleep(if page == "never" { NEVER } else { PAGE });
    let text = format!("this is page {page}");
    write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{text}", text.len())
}
