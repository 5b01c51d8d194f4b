//! What a person does in a browser: goes somewhere, reads, presses, waits until something is to be seen.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use thirtyfour::error::{WebDriverErrorInner, WebDriverResult};
use thirtyfour::{By, Key, WebDriver, WebElement};

/// Far longer than anything here takes, on a machine that has other things to do.
const LIMIT: Duration = Duration::from_secs(60);

/// How often the page is looked at meanwhile.
const PACE: Duration = Duration::from_millis(20);

pub(crate) struct Visitor {
    pub(crate) driver: WebDriver,
    address: String,
    folder: PathBuf,
}

impl Visitor {
    pub(crate) fn new(driver: WebDriver, address: &str, folder: &Path) -> Visitor {
        Visitor { driver, address: address.to_owned(), folder: folder.to_owned() }
    }

    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    pub(crate) async fn open(&self, path: &str) {
        let to = format!("{}{path}", self.address);
        self.driver.goto(&to).await.unwrap_or_else(|error| panic!("{to}: {error}"));
    }

    pub(crate) async fn reload(&self) {
        self.driver.refresh().await.expect("a page can be loaded again");
    }

    /// Where the page is, without the server's name.
    pub(crate) async fn place(&self) -> String {
        self.ask("return location.pathname + location.search").await
    }

    /// What a script says.
    pub(crate) async fn ask<T: DeserializeOwned>(&self, script: &str) -> T {
        self.asked(script).await.unwrap_or_else(|error| panic!("{script}: {error}"))
    }

    async fn asked<T: DeserializeOwned>(&self, script: &str) -> WebDriverResult<T> {
        self.driver.execute(script, Vec::new()).await?.convert()
    }

    /// Waits until the script says something that is true.
    pub(crate) async fn until<T: DeserializeOwned>(&self, what: &str, script: &str) -> T {
        let start = Instant::now();
        loop {
            // Between two pages there is none to ask.
            match self.asked::<Value>(script).await {
                Ok(Value::Null | Value::Bool(false)) => {}
                Ok(value) => return serde_json::from_value(value).expect("of the kind that was asked for"),
                Err(error) if passes(&error) => {}
                Err(error) => panic!("{what}: {script}: {error}"),
            }
            self.pause(start, what).await;
        }
    }

    /// Between two looks; panics where there were enough.
    async fn pause(&self, start: Instant, what: &str) {
        if start.elapsed() > LIMIT {
            let page: Value =
                self.ask("return [location.href, document.body.innerText.slice(0, 3000)]").await;
            panic!("not within {LIMIT:?}: {what}; the page is {page:#}");
        }
        tokio::time::sleep(PACE).await;
    }

    /// The text of what is there, or will be soon.
    pub(crate) async fn text(&self, selector: &str) -> String {
        self.until(selector, &format!("return document.querySelector({})?.innerText", json!(selector))).await
    }

    /// Waits until something has this text in it.
    pub(crate) async fn see(&self, selector: &str, text: &str) -> String {
        let script = format!(
            "const text = document.querySelector({})?.innerText; return text?.includes({}) && text",
            json!(selector),
            json!(text)
        );
        self.until(&format!("“{text}” in {selector}"), &script).await
    }

    /// Clicks on what people know by this name: a button, or a link.
    pub(crate) async fn press(&self, name: &str) {
        let way = format!("//main//*[(self::button or self::a) and contains(normalize-space(), '{name}')]");
        self.on(&way, async |element| element.click().await).await;
    }

    /// Chooses from a list by what both are called.
    pub(crate) async fn choose(&self, label: &str, option: &str) {
        let way = format!("{}/option[contains(normalize-space(), '{option}')]", field(label));
        self.on(&way, async |element| element.click().await).await;
    }

    /// Writes into the field of this name.
    pub(crate) async fn write(&self, label: &str, text: &str) {
        self.on(&field(label), async |element| {
            element.clear().await?;
            element.send_keys(text).await
        })
        .await;
    }

    /// Gives a file of the page's own samples to the field of this name.
    pub(crate) async fn attach(&self, label: &str, sample: &str) {
        let url = format!("{}/samples/{sample}", self.address);
        let bytes = ureq::get(&url).call().and_then(|answer| answer.into_body().read_to_vec());
        let file = self.folder.join(sample);
        std::fs::write(&file, bytes.expect("a sample")).expect("a file of our own");
        let file = file.to_str().expect("a path of letters");
        self.on(&field(label), async |element| element.send_keys(file).await).await;
    }

    /// Presses a key, wherever the focus is.
    pub(crate) async fn key(&self, key: Key) {
        let pressed = self
            .driver
            .action_chain_with_delay(Some(Duration::ZERO), Some(Duration::ZERO))
            .send_keys(String::from(char::from(key)));
        pressed.perform().await.expect("a key can be pressed");
    }

    /// Does something with the element that is there, or will be soon.
    async fn on(&self, way: &str, act: impl AsyncFn(WebElement) -> WebDriverResult<()>) {
        let start = Instant::now();
        loop {
            let done = match self.driver.find(By::XPath(way)).await {
                Ok(element) => act(element).await,
                Err(error) => Err(error),
            };
            match done {
                Ok(()) => return,
                Err(error) if passes(&error) => self.pause(start, &format!("{way}: {error}")).await,
                Err(error) => panic!("{way}: {error}"),
            }
        }
    }

    /// Says something to the browser itself.
    pub(crate) async fn tell(&self, method: &str, parameters: Value) -> Value {
        let told = self.driver.cdp().send_raw(method, parameters).await;
        told.unwrap_or_else(|error| panic!("{method}: {error}"))
    }
}

/// The field whose label begins so.
fn field(label: &str) -> String {
    format!("//*[@id = //label[starts-with(normalize-space(), '{label}')]/@for]")
}

/// Whether it is so because the page is not there yet, or no longer.
fn passes(error: &thirtyfour::error::WebDriverError) -> bool {
    use WebDriverErrorInner::{JavascriptError, NoSuchElement, StaleElementReference, UnknownError};
    match error.as_inner() {
        NoSuchElement(_) | StaleElementReference(_) => true,
        JavascriptError(info) | UnknownError(info) => {
            ["context", "navigation", "detached", "Node with given id"]
                .iter()
                .any(|word| info.value.message.contains(word))
        }
        _ => false,
    }
}
