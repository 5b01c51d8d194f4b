//! Pictures, good ones and others.

use crate::visit;
use crate::visitor::Visitor;

async fn send(visitor: &Visitor, sample: &str) {
    visitor.open("/upload").await;
    visitor.attach("A PNG or GIF", sample).await;
    visitor.press("Upload").await;
}

async fn good(visitor: &Visitor) {
    send(visitor, "good.png").await;
    visitor.see("#upload-result", "640 by 400 pixels").await;
    let size: [u32; 2] = visitor
        .until(
            "the picture is drawn",
            "const picture = document.querySelector('#upload-result img'); \
             return picture.complete && picture.naturalWidth > 0 && [picture.naturalWidth, picture.naturalHeight]",
        )
        .await;
    assert_eq!(size, [240, 150]);
}

#[test]
#[cfg_attr(not(browser), ignore = "needs Debian's packages chromium and chromium-driver")]
fn a_picture_is_decoded_and_one_that_crashes_harms_nobody() {
    visit(&[422], async |visitor| {
        visitor.open("/upload").await;
        visitor.press("Upload").await;
        let asked: [bool; 2] = visitor
            .ask(
                "const field = document.querySelector('#upload-file');
                return [field.validity.valueMissing, document.activeElement === field]",
            )
            .await;
        assert_eq!(asked, [true, true], "the browser asks for one");

        good(visitor).await;

        send(visitor, "crash.old").await;
        let text = visitor.see("#upload-error", "This file crashed its decoder").await;
        assert!(
            text.contains("SIGSEGV") && text.contains("the server and everybody else's requests live on"),
            "{text}"
        );
        good(visitor).await;

        send(visitor, "endless.old").await;
        let text = visitor.see("#upload-error", "Its time was up").await;
        assert!(text.contains("still busy after 2 seconds"), "{text}");
        good(visitor).await;

        send(visitor, "bomb.gif").await;
        visitor.see("#upload-error", "more memory than the 512 MiB").await;
        good(visitor).await;
    });
}
