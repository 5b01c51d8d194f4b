//! The application under test, and what is asked of it.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};
use std::{env, fs};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use ureq::{Agent, Body, http};

/// Far longer than anything takes here; what is still awaited then hangs.
pub(crate) const LIMIT: Duration = Duration::from_secs(60);

/// A folder of one test's own, which goes with it.
pub(crate) struct Folder(pub(crate) PathBuf);

impl Folder {
    pub(crate) fn new() -> Folder {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let folder = env::temp_dir().join(format!("users_web-test-{}-{number}", std::process::id()));
        fs::create_dir(&folder).expect("a temporary folder");
        Folder(folder)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// The program, with a database in this folder and a port that is free.
pub(crate) fn program(folder: &Folder, arguments: &[&str]) -> Command {
    let test = env::current_exe().expect("/proc is mounted");
    let profile = test.ancestors().nth(2).expect("target/PROFILE/deps/TEST");
    let mut program = Command::new(profile.join("examples/users_web"));
    program.env_remove("DATABASE_URL").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    program.args(["--listen", "127.0.0.1:0", "--database"]).arg(folder.0.join("users.sqlite"));
    program.args(arguments);
    program
}

pub(crate) struct Server {
    child: Child,
    /// Its output, until nobody holds the other end.
    lines: Mutex<Receiver<String>>,
    agent: Agent,
    /// `127.0.0.1:PORT`.
    pub(crate) address: String,
    /// Goes with the server; `None` where the test has one.
    folder: Option<Folder>,
}

/// An answer, with its body as text.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    headers: http::HeaderMap,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().expect("text"))
    }

    /// The text between two others.
    pub(crate) fn between(&self, before: &str, after: &str) -> &str {
        let found = self.body.split_once(before).and_then(|(_, rest)| rest.split_once(after));
        found.unwrap_or_else(|| panic!("no {before} … {after} in {}", self.body)).0
    }

    #[track_caller]
    pub(crate) fn check(self, status: u16, part: &str) -> Answer {
        assert_eq!(self.status, status, "{}", self.body);
        assert!(self.body.contains(part), "no {part} in {}", self.body);
        self
    }
}

impl Server {
    pub(crate) fn start(arguments: &[&str]) -> Server {
        let folder = Folder::new();
        let mut server = Server::run(&mut program(&folder, arguments));
        server.folder = Some(folder);
        server
    }

    /// Runs it until it says where it listens.
    pub(crate) fn run(program: &mut Command) -> Server {
        let mut child = program.spawn().expect("the example is built with the tests");
        let output = BufReader::new(child.stdout.take().expect("it is piped"));
        let (send, lines) = channel();
        thread::spawn(move || output.lines().map_while(Result::ok).try_for_each(|line| send.send(line)));
        let mut server = Server {
            child,
            lines: Mutex::new(lines),
            agent: Agent::config_builder()
                .http_status_as_error(false)
                .max_redirects(0)
                .timeout_global(Some(LIMIT))
                .build()
                .into(),
            address: String::new(),
            folder: None,
        };
        let line = server.line();
        let address = line.strip_prefix("http://").and_then(|rest| rest.split_once('/'));
        server.address = address.unwrap_or_else(|| panic!("{line}")).0.to_owned();
        server
    }

    /// The next line of its output.
    pub(crate) fn line(&self) -> String {
        self.lines.lock().expect("nobody panicked").recv_timeout(LIMIT).expect("a line, and soon")
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        read(self.agent.get(self.url(path)).call())
    }

    pub(crate) fn delete(&self, path: &str) -> Answer {
        read(self.agent.delete(self.url(path)).call())
    }

    pub(crate) fn post(&self, path: &str, form: &str) -> Answer {
        self.send(path, &[("content-type", "application/x-www-form-urlencoded")], form.as_bytes())
    }

    pub(crate) fn send(&self, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        let request = self.agent.post(self.url(path));
        read(headers.iter().fold(request, |request, (name, value)| request.header(*name, *value)).send(body))
    }

    pub(crate) fn upload(&self, file: &[u8]) -> Answer {
        self.send("/upload", &[("content-type", MULTIPART)], &form(file))
    }

    /// A file to try it with.
    pub(crate) fn sample(&self, name: &str) -> Vec<u8> {
        let mut answer = self.agent.get(self.url(&format!("/samples/{name}"))).call().expect("an answer");
        assert_eq!(answer.status(), 200);
        answer.body_mut().with_config().limit(1 << 30).read_to_vec().expect("a file")
    }

    /// Asks until the answer is as it should be.
    #[track_caller]
    pub(crate) fn until(&self, path: &str, right: impl Fn(&Answer) -> bool) -> Answer {
        let start = Instant::now();
        loop {
            let answer = self.get(path);
            if right(&answer) {
                return answer;
            }
            assert!(start.elapsed() < LIMIT, "{path} stays {} {}", answer.status, answer.body);
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// Waits until nobody listens any more.
    pub(crate) fn accepts_no_more(&self) {
        let start = Instant::now();
        while TcpStream::connect(&self.address).is_ok() {
            assert!(start.elapsed() < LIMIT, "it accepts all the same");
            thread::sleep(Duration::from_millis(5));
        }
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.child.id() as i32), signal).expect("it is our child");
    }

    /// Waits for its end, and for that of everybody whom it has started: nobody holds its output any more.
    pub(crate) fn ends(mut self) -> ExitStatus {
        let start = Instant::now();
        let status = loop {
            match self.child.try_wait().expect("it is our child") {
                Some(status) => break status,
                None => assert!(start.elapsed() < LIMIT, "it does not end"),
            }
            thread::sleep(Duration::from_millis(5));
        };
        loop {
            match self.lines.get_mut().expect("nobody panicked").recv_timeout(LIMIT) {
                Ok(_) => {}
                Err(RecvTimeoutError::Disconnected) => return status,
                Err(RecvTimeoutError::Timeout) => panic!("somebody is left"),
            }
        }
    }

    /// A request that is under way until its [`Half::finish`]: an upload of which the file is still to come.
    pub(crate) fn half_an_upload(&self) -> Half {
        let mut stream = TcpStream::connect(&self.address).expect("it listens");
        stream.set_read_timeout(Some(LIMIT)).expect("a time limit");
        let body = form(&self.sample("good.old"));
        let head = format!(
            "POST /upload HTTP/1.1\r\nhost: {}\r\nconnection: close\r\ncontent-type: {MULTIPART}\r\n\
             content-length: {}\r\nexpect: 100-continue\r\n\r\n",
            self.address,
            body.len()
        );
        stream.write_all(head.as_bytes()).expect("it reads");
        // The server says this when the page's own code asks for the body.
        let expected = b"HTTP/1.1 100 Continue\r\n\r\n";
        let mut answer = vec![0; expected.len()];
        stream.read_exact(&mut answer).expect("it answers");
        assert_eq!(answer, expected, "{}", String::from_utf8_lossy(&answer));
        Half { stream, body }
    }
}

impl Drop for Server {
    /// After a panic, or where a test does not care.
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub(crate) struct Half {
    stream: TcpStream,
    body: Vec<u8>,
}

impl Half {
    /// The answer, head and all.
    pub(crate) fn finish(mut self) -> String {
        self.stream.write_all(&self.body).expect("it reads");
        let mut answer = String::new();
        self.stream.read_to_string(&mut answer).expect("it answers");
        answer
    }
}

const MULTIPART: &str = "multipart/form-data; boundary=between";

fn form(file: &[u8]) -> Vec<u8> {
    let head = "--between\r\ncontent-disposition: form-data; name=\"file\"; filename=\"f\"\r\n\r\n";
    [head.as_bytes(), file, b"\r\n--between--\r\n"].concat()
}

fn read(answer: Result<http::Response<Body>, ureq::Error>) -> Answer {
    let (head, mut body) = answer.expect("an answer").into_parts();
    let body = body.read_to_string().expect("text");
    Answer { status: head.status.as_u16(), headers: head.headers, body }
}
