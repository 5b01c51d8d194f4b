//! A browser with a profile of its own, and the driver that it listens to.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use thirtyfour::{
    ChromeCapabilities, ChromiumLikeCapabilities, DesiredCapabilities, LoggingPrefsLogLevel, WebDriver,
    error::WebDriverResult,
};

use crate::folder::Folder;
use crate::process::{Process, end_marked};

/// It ends with its driver, whatever ends that: by itself it would go on.
const START: &str = "#!/bin/sh\nexec setpriv --pdeathsig KILL -- chromium \"$@\"\n";

/// Nothing but pages of this machine: no sandbox, which root cannot have; no name is looked up.
const FLAGS: [&str; 14] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--disable-sync",
    "--disable-extensions",
    "--disable-breakpad",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
    "--no-proxy-server",
    "--force-color-profile=srgb",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
];

pub(crate) struct Chromium {
    pub(crate) driver: WebDriver,
    // In this order: the browser is told to end, its driver is, then nobody writes into the folder any more.
    process: Process,
    folder: Folder,
}

impl Chromium {
    pub(crate) async fn start() -> Chromium {
        let folder = Folder::new();
        let mut process =
            Process::start("chromedriver", Path::new("chromedriver"), &["--port=0"], folder.path());
        let port: u16 = process.line(|line| {
            let number = line.split_once("successfully on port ")?.1;
            number.trim_end().trim_end_matches('.').parse().ok()
        });
        let wanted = wanted(folder.path()).expect("a small file, and words that JSON has");
        let connected = WebDriver::builder(format!("http://127.0.0.1:{port}"), wanted)
            .request_timeout(Duration::from_secs(60))
            .connect()
            .await;
        match connected {
            Ok(driver) => Chromium { driver, process, folder },
            Err(error) => panic!("no browser: {error}; {}", process.complaints()),
        }
    }

    /// Ends it as a person does.
    pub(crate) async fn quit(self) {
        self.driver.clone().quit().await.expect("a browser can be closed");
    }
}

impl Drop for Chromium {
    fn drop(&mut self) {
        // Where it was not closed, it is ended here; its driver would be asked in vain, and for long.
        let _ = self.driver.clone().leak();
        self.process.end();
        end_marked(self.folder.path());
    }
}

fn wanted(folder: &Path) -> WebDriverResult<ChromeCapabilities> {
    let program = folder.join("chromium");
    fs::write(&program, START)?;
    fs::set_permissions(&program, fs::Permissions::from_mode(0o700))?;
    let mut wanted = DesiredCapabilities::chrome();
    wanted.set_binary(program.to_str().expect("a path of letters"))?;
    for flag in FLAGS {
        wanted.add_arg(flag)?;
    }
    wanted.add_arg(&format!("--user-data-dir={}", folder.join("profile").display()))?;
    wanted.set_browser_log_level(LoggingPrefsLogLevel::All)?;
    wanted.set_logging_prefs("performance", LoggingPrefsLogLevel::All)?;
    Ok(wanted)
}
