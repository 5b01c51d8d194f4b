//! The picture in the README: the list on a desk, and a report that is under way on a telephone. It is made anew
//! as `target/screenshots/readme.png`; the README's own, `examples/users_web/screenshot.png`, is a copy of one of a
//! release build.

use std::fs;
use std::io::Cursor;

use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::{Rgb, RgbImage, imageops};

use crate::looks::{folder, picture, show};
use crate::report::begin;
use crate::visit;

const DESK: u32 = 860;
const TELEPHONE: u32 = 360;
const HEIGHT: u32 = 620;
/// Around both, and between them.
const EDGE: u32 = 16;

/// A grey that both pages stand out from.
const GROUND: Rgb<u8> = Rgb([0x8a, 0x94, 0xa3]);

#[test]
#[cfg_attr(not(browser), ignore = "needs Debian's packages chromium and chromium-driver")]
fn picture_for_the_readme() {
    visit(&[], async |visitor| {
        show(visitor, (DESK, HEIGHT), "light").await;
        // The second time all connections are there.
        visitor.open("/?size=50").await;
        visitor.open("/").await;
        let list = picture(visitor, DESK, HEIGHT.into()).await;

        show(visitor, (TELEPHONE, HEIGHT), "dark").await;
        begin(visitor, 100_000).await;
        visitor.until::<bool>("some of it", "return document.querySelector('#report-bar').value > 40").await;
        let report = picture(visitor, TELEPHONE, HEIGHT.into()).await;
        visitor.press("Cancel").await;
        visitor.see("#report-state", "Cancelled").await;

        let mut whole = RgbImage::from_pixel(DESK + TELEPHONE + 3 * EDGE, HEIGHT + 2 * EDGE, GROUND);
        for (page, left) in [(list, EDGE), (report, DESK + 2 * EDGE)] {
            let page = image::load_from_memory(&page).expect("a picture").to_rgb8();
            assert_eq!(page.height(), HEIGHT, "a page fills its part");
            imageops::replace(&mut whole, &page, left.into(), EDGE.into());
        }
        let mut file = Cursor::new(Vec::new());
        let small = PngEncoder::new_with_quality(&mut file, CompressionType::Best, FilterType::Adaptive);
        whole.write_with_encoder(small).expect("memory takes it all");
        fs::write(folder().join("readme.png"), file.into_inner()).expect("our own folder");
    });
}
