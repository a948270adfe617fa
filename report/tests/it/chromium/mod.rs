//! A headless Chromium, driven over its debugging pipe: NUL-separated JSON on descriptors 3 and 4.

use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_secs(60);
const FLAGS: [&str; 11] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--remote-debugging-pipe",
    "about:blank",
];

/// A page in a browser of its own.
pub struct Page {
    child: Child,
    stdin: ChildStdin,
    messages: Receiver<Value>,
    session: Option<String>,
    last_id: u64,
    profile: PathBuf,
    /// Everything that the page did and a report must not: console output, exceptions, requests beyond the file.
    pub complaints: Vec<String>,
}

/// The browser, or a word about why the test is skipped.
fn chromium() -> Option<PathBuf> {
    let found = ["/usr/bin/chromium", "/usr/bin/chromium-browser"]
        .map(PathBuf::from)
        .into_iter()
        .find(|p| p.exists());
    if found.is_none() {
        testing::skip("Chromium is not installed as a package");
    }
    found
}

impl Page {
    /// Opens the page's text; `None` (and a named skip) without a browser.
    pub fn open(test: &str, html: &str, setup: impl FnOnce(&mut Page)) -> Option<Page> {
        let browser = chromium()?;
        let profile = std::env::temp_dir().join(format!("perfvt-report-{test}-{}", std::process::id()));
        std::fs::create_dir_all(&profile).unwrap();
        let file = profile.join("page.html");
        std::fs::write(&file, html).unwrap();
        // The shell puts the pipe where Chromium looks for it; every argument reaches it as an argument.
        let mut child = Command::new("sh")
            .args(["-c", "exec \"$0\" \"$@\" 3<&0 4>&1 0</dev/null 1>/dev/null 2>/dev/null"])
            .arg(browser)
            .arg(format!("--user-data-dir={}", profile.join("profile").display()))
            .args(FLAGS)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (sender, messages) = channel();
        let mut reader = BufReader::new(child.stdout.take().unwrap());
        std::thread::spawn(move || {
            let mut bytes = Vec::new();
            while reader.read_until(0, &mut bytes).is_ok_and(|n| n > 0) {
                bytes.pop();
                let Ok(message) = serde_json::from_slice(&bytes) else { break };
                if sender.send(message).is_err() {
                    break;
                }
                bytes.clear();
            }
        });
        let stdin = child.stdin.take().unwrap();
        let mut page =
            Page { child, stdin, messages, session: None, last_id: 0, profile, complaints: Vec::new() };
        page.attach();
        setup(&mut page);
        page.navigate(&file);
        Some(page)
    }

    fn attach(&mut self) {
        let target = self.call("Target.createTarget", json!({ "url": "about:blank" }));
        let attach = json!({ "targetId": target["targetId"], "flatten": true });
        let session = self.call("Target.attachToTarget", attach);
        self.session = session["sessionId"].as_str().map(str::to_owned);
        for domain in ["Page.enable", "Runtime.enable", "Log.enable", "Network.enable"] {
            self.call(domain, json!({}));
        }
    }

    fn navigate(&mut self, file: &Path) {
        self.call("Page.navigate", json!({ "url": format!("file://{}", file.display()) }));
        let deadline = Instant::now() + PATIENCE;
        while self.message(deadline)["method"] != "Page.loadEventFired" {}
    }

    /// Sets the size of the window in CSS pixels.
    pub fn size(&mut self, width: u32, height: u32) {
        let metrics = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false });
        self.call("Emulation.setDeviceMetricsOverride", metrics);
    }

    /// Dark or light, as the reader's system would ask for.
    pub fn scheme(&mut self, scheme: &str) {
        let feature = json!({ "name": "prefers-color-scheme", "value": scheme });
        self.call("Emulation.setEmulatedMedia", json!({ "features": [feature] }));
    }

    /// The page as it is on paper, printed from a system with such a scheme.
    #[allow(dead_code, reason = "not every test binary prints")]
    pub fn print_media(&mut self, scheme: &str) {
        let feature = json!({ "name": "prefers-color-scheme", "value": scheme });
        self.call("Emulation.setEmulatedMedia", json!({ "media": "print", "features": [feature] }));
    }

    /// The page as it is without JavaScript.
    #[allow(dead_code, reason = "not every test binary needs it")]
    pub fn without_script(&mut self) {
        self.call("Emulation.setScriptExecutionDisabled", json!({ "value": true }));
    }

    /// From the page's beginning on, `longTasks` holds how many milliseconds each task of more than 50 took.
    pub fn watch_tasks(&mut self) {
        let source = "window.longTasks = []; new PerformanceObserver((list) => longTasks.push(...list.getEntries()\
                      .map((e) => e.duration))).observe({ type: 'longtask', buffered: true })";
        self.call("Page.addScriptToEvaluateOnNewDocument", json!({ "source": source }));
    }

    /// How many sheets of A4 the page is on paper.
    pub fn sheets(&mut self) -> usize {
        let paper = json!({ "paperWidth": 8.27, "paperHeight": 11.69, "preferCSSPageSize": true, "printBackground": true,
            "generateDocumentOutline": false });
        let printed = self.call("Page.printToPDF", paper);
        // The number of pages stands in the tree of pages, uncompressed, as `/Count 2`.
        let base64 = printed["data"].as_str().unwrap();
        let text = String::from_utf8_lossy(&crate::common::base64(base64)).into_owned();
        let count = text.split("/Count ").nth(1).unwrap();
        count.split(|c: char| !c.is_ascii_digit()).next().unwrap().parse().unwrap()
    }

    /// The value of an expression in the page; a promise is awaited.
    pub fn eval(&mut self, expression: &str) -> Value {
        let parameters = json!({ "expression": expression, "returnByValue": true, "awaitPromise": true });
        let mut result = self.call("Runtime.evaluate", parameters);
        assert!(result.get("exceptionDetails").is_none(), "{expression}: {}", result["exceptionDetails"]);
        result["result"]["value"].take()
    }

    fn call(&mut self, method: &str, params: Value) -> Value {
        self.last_id += 1;
        let id = self.last_id;
        let mut request = json!({ "id": id, "method": method, "params": params });
        if let Some(session) = &self.session {
            request["sessionId"] = json!(session);
        }
        let mut bytes = serde_json::to_vec(&request).unwrap();
        bytes.push(0);
        self.stdin.write_all(&bytes).unwrap();
        let deadline = Instant::now() + PATIENCE;
        loop {
            let mut message = self.message(deadline);
            if message["id"] == id {
                assert!(message.get("error").is_none(), "{method}: {}", message["error"]);
                return message["result"].take();
            }
        }
    }

    /// The next message; complaints are kept.
    fn message(&mut self, deadline: Instant) -> Value {
        let left = deadline.saturating_duration_since(Instant::now());
        let message = match self.messages.recv_timeout(left) {
            Ok(message) => message,
            Err(RecvTimeoutError::Timeout) => panic!("Chromium did not answer within {PATIENCE:?}"),
            Err(RecvTimeoutError::Disconnected) => panic!("Chromium ended"),
        };
        let bad = match message["method"].as_str() {
            Some("Runtime.exceptionThrown" | "Runtime.consoleAPICalled" | "Log.entryAdded") => true,
            Some("Network.requestWillBeSent") => {
                !message["params"]["request"]["url"].as_str().is_some_and(|u| u.ends_with("/page.html"))
            }
            _ => false,
        };
        if bad {
            self.complaints.push(message.to_string());
        }
        message
    }
}

impl Drop for Page {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        // Its helpers may still be writing for a moment.
        for _ in 0..20 {
            if std::fs::remove_dir_all(&self.profile).is_ok() {
                return;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}
