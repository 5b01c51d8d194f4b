//! Files of all kinds.

use crate::server::Server;

#[test]
fn a_good_file_is_shown() {
    let server = Server::start(&[]);
    let answer = server.upload(&server.sample("good.png")).check(200, "id=\"upload-result\"");
    assert!(answer.body.contains("640 by 400 pixels") && answer.body.contains("data:image/png;base64,iVBOR"));
    server.upload(&server.sample("good.old")).check(200, "the sum 21");
}

/// The server lives on after each of them: its worker is replaced.
#[test]
fn a_file_that_does_harm_costs_its_worker_and_nothing_else() {
    let server = Server::start(&[]);
    for (sample, told) in [
        ("crash.old", "was ended by SIGSEGV"),
        ("deep.old", "overflowed its stack"),
        ("endless.old", "still busy after 2 seconds"),
        ("bomb.gif", "asked for more memory"),
    ] {
        let answer = server.upload(&server.sample(sample)).check(422, "id=\"upload-error\"");
        assert!(answer.body.contains(told), "{sample}: {}", answer.body);
        assert!(answer.body.contains("id=\"upload-form\""), "another one can be sent from there");
        server.upload(&server.sample("good.png")).check(200, "id=\"upload-result\"");
    }
    server.get("/").check(200, "data-how=\"parallel\"");
}

#[test]
fn what_is_no_picture_is_told_so() {
    let server = Server::start(&[]);
    let cut = server.sample("good.png");
    for file in [b"hello, this is text".as_slice(), &[0; 100], &cut[..cut.len() / 2], b"OLD1i/etc/passwd"] {
        server.upload(file).check(422, "id=\"upload-error\"");
    }
    server.upload(b"").check(400, "Choose a file first");
    let wrong = [("content-type", "multipart/form-data; boundary=x")];
    server.send("/upload", &wrong, b"--x\r\n\r\n").check(400, "id=\"upload-error\"");
    server
        .send("/upload", &[("content-type", "multipart/form-data")], b"x")
        .check(400, "id=\"upload-error\"");
    server.post("/upload", "file=x").check(400, "id=\"upload-error\"");
    let other = b"--x\r\ncontent-disposition: form-data; name=\"other\"\r\n\r\nfile\r\n--x--\r\n";
    server.send("/upload", &wrong, other).check(400, "Choose a file first");
}

/// Read to its end, so that a browser sees the answer.
#[test]
fn a_file_that_is_too_large_is_told_so() {
    let server = Server::start(&[]);
    server.upload(&vec![0; 8 << 20]).check(422, "id=\"upload-error\"");
    server.upload(&vec![0; (8 << 20) + 1]).check(413, "may have 8 MiB");
    server.upload(&vec![0; 32 << 20]).check(413, "may have 8 MiB");
}
