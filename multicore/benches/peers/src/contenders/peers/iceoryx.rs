//! iceoryx2: request and response between two processes, by busy polling or by its events.

use std::hint;

use anyhow::{Result, anyhow, ensure};
use iceoryx2::port::client::Client;
use iceoryx2::port::listener::Listener;
use iceoryx2::port::notifier::Notifier;
use iceoryx2::prelude::*;
use tempfile::TempDir;

use crate::contenders::{Crew, Setting};
use crate::jobs::Job;
use crate::raw::Child;

pub(super) const JOBS: &[Job] = &[Job::J1, Job::J1Other, Job::J1Same];

/// Ends the server.
const END: u64 = u64::MAX;

type Requests = Client<ipc::Service, u64, (), u64, ()>;

pub(super) struct Iceoryx {
    requests: Requests,
    /// Where it waits by events: to the server, and from there.
    events: Option<(Notifier<ipc::Service>, Listener<ipc::Service>)>,
    server: Option<Child>,
    // Dropped last: its files lie here.
    _folder: LeftOver,
}

/// Whatever it says went wrong.
fn said(error: impl std::fmt::Debug) -> anyhow::Error {
    anyhow!("iceoryx2: {error:?}")
}

/// What the names of its shared memory begin with; the folder's name is nobody else's.
fn prefix(folder: &TempDir) -> String {
    let name = folder.path().file_name().unwrap_or_default().to_string_lossy();
    format!("peers_{}_", name.trim_start_matches('.'))
}

fn node(folder: &TempDir) -> Result<iceoryx2::node::Node<ipc::Service>> {
    set_log_level(LogLevel::Error);
    let mut config = Config::default();
    let root = folder.path().to_string_lossy();
    config.global.set_root_path(&Path::new(root.as_bytes()).map_err(said)?);
    config.global.prefix = FileName::new(prefix(folder).as_bytes()).map_err(said)?;
    NodeBuilder::new().config(&config).create::<ipc::Service>().map_err(said)
}

fn name(of: &str) -> Result<ServiceName> {
    format!("multicore/peers/{of}").as_str().try_into().map_err(said)
}

fn notifier(node: &iceoryx2::node::Node<ipc::Service>, of: &str) -> Result<Notifier<ipc::Service>> {
    let service = node.service_builder(&name(of)?).event().open_or_create().map_err(said)?;
    service.notifier_builder().default_event_id(EventId::new(1)).create().map_err(said)
}

fn listener(node: &iceoryx2::node::Node<ipc::Service>, of: &str) -> Result<Listener<ipc::Service>> {
    let service = node.service_builder(&name(of)?).event().open_or_create().map_err(said)?;
    service.listener_builder().create().map_err(said)
}

impl Iceoryx {
    pub(super) fn start(setting: &Setting) -> Result<Iceoryx> {
        let folder = tempfile::tempdir()?;
        let by_events = !setting.spin;
        let server = Child::fork(|| serve(&folder, by_events).expect("the server serves"))?;
        let node = node(&folder)?;
        let events = match by_events {
            true => Some((notifier(&node, "there")?, listener(&node, "back")?)),
            false => None,
        };
        let service = node.service_builder(&name("words")?).request_response::<u64, u64>();
        let requests = service.open_or_create().map_err(said)?.client_builder().create().map_err(said)?;
        let mut crew = Iceoryx { requests, events, server: Some(server), _folder: LeftOver(folder) };
        crew.wait_for_server()?;
        Ok(crew)
    }

    /// A request that nobody is there to receive is lost.
    fn wait_for_server(&mut self) -> Result<()> {
        let events = self.events.take();
        while self.try_word(1, 1_000_000)?.is_none() {
            if let Some((there, _)) = &events {
                there.notify().map_err(said)?;
            }
        }
        self.events = events;
        // What the attempts left behind.
        std::thread::sleep(std::time::Duration::from_millis(20));
        if let Some((_, back)) = &self.events {
            back.try_wait(|_| {}).map_err(said)?;
        }
        Ok(())
    }

    /// `None` when no answer comes within so many looks.
    fn try_word(&mut self, n: u64, looks: u64) -> Result<Option<u64>> {
        let pending = self.requests.send_copy(n).map_err(said)?;
        if let Some((there, _)) = &self.events {
            there.notify().map_err(said)?;
        }
        for _ in 0..looks {
            if let Some(response) = pending.receive().map_err(said)? {
                return Ok(Some(*response));
            }
            match &self.events {
                Some((_, back)) => drop(back.blocking_wait(|_| {}).map_err(said)?),
                None => hint::spin_loop(),
            }
        }
        Ok(None)
    }
}

fn serve(folder: &TempDir, by_events: bool) -> Result<()> {
    let node = node(folder)?;
    let events = match by_events {
        true => Some((listener(&node, "there")?, notifier(&node, "back")?)),
        false => None,
    };
    let service = node.service_builder(&name("words")?).request_response::<u64, u64>();
    let server = service.open_or_create().map_err(said)?.server_builder().create().map_err(said)?;
    loop {
        while let Some(request) = server.receive().map_err(said)? {
            if *request == END {
                return Ok(());
            }
            request.send_copy(*request + 1).map_err(said)?;
            if let Some((_, back)) = &events {
                back.notify().map_err(said)?;
            }
        }
        match &events {
            Some((there, _)) => drop(there.blocking_wait(|_| {}).map_err(said)?),
            None => hint::spin_loop(),
        }
    }
}

impl Crew for Iceoryx {
    fn word(&mut self, n: u64) -> Result<u64> {
        let answer = self.try_word(n, u64::MAX)?;
        ensure!(answer.is_some(), "iceoryx2 gave no answer");
        Ok(answer.unwrap_or_default())
    }
}

impl Drop for Iceoryx {
    /// The server ends by itself, so that it takes its files along.
    fn drop(&mut self) {
        let _ending = self.requests.send_copy(END);
        if let Some((there, _)) = &self.events {
            let _ = there.notify();
        }
        if let Some(server) = self.server.take() {
            server.join();
        }
    }
}

/// What a node leaves in shared memory for other nodes: there are none.
struct LeftOver(TempDir);

impl Drop for LeftOver {
    fn drop(&mut self) {
        let prefix = prefix(&self.0);
        let entries = std::fs::read_dir("/dev/shm").into_iter().flatten().flatten();
        for entry in entries.filter(|entry| entry.file_name().to_string_lossy().starts_with(&prefix)) {
            let _ = std::fs::remove_file(entry.path());
        }
    }
}
