//! The command line.

use clap::{Args, Parser, Subcommand};

use crate::contenders::Contender;
use crate::jobs::Job;

/// The yardstick: multicore, a bare prototype, the machine's limits and the peers, on the same jobs.
#[derive(Parser)]
#[command(name = "multicore-peers")]
pub struct Options {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What this program does.
#[derive(Subcommand)]
pub enum Command {
    /// Everybody on all jobs, interleaved; the table, and what is wanted of it
    All(Run),
    /// multicore, the prototype and the limits alone
    Quick(Run),
    /// What #[task] adds to a build, beside serde's derives
    BuildCost {
        /// Functions in each crate
        #[arg(long, default_value_t = 500, value_parser = clap::value_parser!(u32).range(1..=10_000))]
        functions: u32,
        /// How often each is built
        #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=100))]
        rounds: u32,
    },
    /// Measures one job once, in this process
    #[command(hide = true)]
    Sample {
        /// The job.
        job: Job,
        /// Who does it.
        contender: Contender,
    },
    /// A worker of the pool that is made of ipc-channel
    #[cfg(feature = "peers")]
    #[command(hide = true)]
    ServeIpcChannel {
        /// Where its client waits.
        name: String,
    },
    /// What the limit of J5 starts
    #[command(hide = true)]
    SayHello,
}

/// Which part of it, and how thoroughly.
#[derive(Args)]
pub struct Run {
    /// Only these jobs
    #[arg(long, value_delimiter = ',', value_name = "JOB,…")]
    pub jobs: Vec<Job>,
    /// Only these contenders
    #[arg(long, value_delimiter = ',', value_name = "WHO,…")]
    pub contenders: Vec<Contender>,
    /// How often everybody has a turn; 5, and 3 with `quick`
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub rounds: Option<u32>,
    /// A sample counts if others held at most this much of the machine meanwhile, in percent; 12, and
    /// 100 with `quick`
    #[arg(long, value_name = "PERCENT", value_parser = clap::value_parser!(u8).range(0..=100))]
    pub noise: Option<u8>,
}

#[cfg(test)]
mod test {
    use super::*;

    fn refused(arguments: &[&str]) -> String {
        let arguments = ["multicore-peers"].iter().chain(arguments);
        Options::try_parse_from(arguments).map(drop).expect_err("a mistake").to_string()
    }

    #[test]
    fn what_is_wrong_is_named_with_what_is_right() {
        assert!(refused(&["quick", "--jobs", "j1,j10"]).contains("j10"));
        assert!(refused(&["quick", "--jobs", "j10"]).contains("j9-sleep"));
        assert!(refused(&["all", "--contenders", "tokio"]).contains("ipc-channel"));
        assert!(refused(&["all", "--rounds", "0"]).contains("1..=1000"));
        assert!(refused(&["all", "--noise", "101"]).contains("0..=100"));
        assert!(refused(&["build-cost", "--functions", "0"]).contains("1..=10000"));
        assert!(refused(&["fast"]).contains("fast"));
    }
}
