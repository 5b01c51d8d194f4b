//! Who is ended and who is not, on real processes.

use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command};

use nix::unistd::Pid;

use super::{Member, Roster};
use crate::sys::process;

/// A process that leads a group of its own, and one in its group.
struct Family(Child, Child);

impl Family {
    fn new() -> Family {
        let sleep = |group| Command::new("sleep").arg("600").process_group(group).spawn().expect("sleep");
        let leader = sleep(0);
        let member = sleep(leader.id() as i32);
        Family(leader, member)
    }

    fn as_noted(&self) -> Member {
        let pid = Pid::from_raw(self.0.id() as i32);
        let stat = process::stat(pid).expect("it lives");
        Member { pid, session: stat.session, started: stat.started }
    }

    /// Both live on; ends them.
    fn was_left_alone(mut self) {
        for child in [&mut self.0, &mut self.1] {
            assert_eq!(child.try_wait().unwrap(), None, "it was not this roster's to end");
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }
}

fn roster_of(member: Member) -> Roster {
    let roster = Roster::new(3).unwrap();
    roster.write(1, member);
    roster
}

#[test]
fn a_family_is_ended_and_collected() {
    let mut family = Family::new();
    roster_of(family.as_noted()).end_families();
    for child in [&mut family.0, &mut family.1] {
        assert!(child.try_wait().is_err(), "somebody was faster");
    }
}

#[test]
fn a_family_whose_leader_is_gone_is_ended() {
    let mut family = Family::new();
    let noted = family.as_noted();
    family.0.kill().unwrap();
    assert_eq!(family.0.wait().unwrap().signal(), Some(9));
    roster_of(noted).end_families();
    assert!(family.1.try_wait().is_err(), "somebody was faster");
}

#[test]
fn a_number_that_means_somebody_else_by_now_is_left_alone() {
    let family = Family::new();
    let noted = family.as_noted();
    roster_of(Member { started: noted.started - 1, ..noted }).end_families();
    family.was_left_alone();
}

#[test]
fn a_group_of_another_session_is_left_alone() {
    let family = Family::new();
    let noted = family.as_noted();
    roster_of(Member { session: noted.pid, ..noted }).end_families();
    family.was_left_alone();
}

#[test]
fn a_worker_that_was_struck_out_is_left_alone() {
    let family = Family::new();
    let roster = roster_of(family.as_noted());
    roster.strike(1);
    roster.end_families();
    family.was_left_alone();
}

#[test]
fn a_worker_notes_itself() {
    let roster = Roster::new(2).unwrap();
    assert!(roster.members().is_empty());
    roster.note(1);
    let [own] = roster.members()[..] else { panic!("one member") };
    assert_eq!(own.pid, Pid::this());
    assert_eq!(Some(own.started), process::stat(own.pid).map(|stat| stat.started));
}
