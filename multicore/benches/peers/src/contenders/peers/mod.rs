//! The peers that are crates: the feature `peers`.

mod iceoryx;
mod ipc_channel;
mod procspawn;
mod rayon;

use std::time::Duration;

use anyhow::{Result, bail};

use super::{Contender, Crew, NO_PART, Setting};
use crate::jobs::Job;

pub(super) use self::ipc_channel::serve as serve_ipc_channel;
pub(super) use self::procspawn::before_main;

/// Calls under way at once, where a peer has no room for more.
const FEW_IN_FLIGHT: u64 = 200;

/// The jobs in which a peer takes part.
pub(super) fn jobs(contender: Contender) -> &'static [Job] {
    match contender {
        Contender::Rayon => rayon::JOBS,
        Contender::Procspawn => procspawn::JOBS,
        Contender::IpcChannel => ipc_channel::JOBS,
        Contender::Iceoryx => iceoryx::JOBS,
        _ => &[],
    }
}

/// Its pool.
pub(super) fn start(contender: Contender, setting: &Setting) -> Result<Box<dyn Crew>> {
    Ok(match contender {
        Contender::Rayon => Box::new(rayon::Rayon::start(setting)?),
        Contender::Procspawn => Box::new(procspawn::Procspawn::start(setting)?),
        Contender::IpcChannel => Box::new(ipc_channel::Pool::start(setting)?),
        Contender::Iceoryx => Box::new(iceoryx::Iceoryx::start(setting)?),
        _ => bail!(NO_PART),
    })
}

/// J7: how long until each worker has looked at so many bytes.
pub(super) fn visible(contender: Contender, len: usize) -> Result<Duration> {
    match contender {
        Contender::Rayon => rayon::visible(len),
        Contender::Procspawn => procspawn::visible(len),
        Contender::IpcChannel => ipc_channel::visible(len),
        _ => bail!(NO_PART),
    }
}
