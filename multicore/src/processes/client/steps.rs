//! What a call says of how far it has come, seen from the client.

use crate::processes::client::{Client, Ticket};
use crate::shm::steps::{self, Sight};
use crate::shm::word::{Phase, State, Word};

impl Client {
    /// What the call said last; `None` before its first report, and when its worker no longer says it.
    pub(crate) fn steps(&self, ticket: Ticket) -> Option<Sight> {
        if !self.is_here() {
            return None;
        }
        let state = self.header(ticket).state.state();
        if state.phase() == Some(Phase::Running) {
            self.ask_for_look();
        }
        self.steps_of(ticket, state)
    }

    /// In a sandboxed pool workers say it to the supervisor alone, which passes it on when it looks.
    pub(crate) fn ask_for_look(&self) {
        self.ring();
    }

    /// As [`steps`](Client::steps), of a call whose word is `seen`.
    pub(in crate::processes) fn steps_of(&self, ticket: Ticket, seen: State) -> Option<Sight> {
        let begun = matches!(seen.phase(), Some(Phase::Running | Phase::Done | Phase::Died));
        // The word keeps its owner until the outcome is taken; the record names the call.
        let worker = usize::from(seen.owner());
        if !begun || seen.generation() != ticket.generation || worker >= self.settings.workers {
            return None;
        }
        self.region.worker(worker).steps.get(steps::name(ticket.slot as usize, ticket.generation))
    }
}
