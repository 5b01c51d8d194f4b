//! Steps that are counted, and shown where somebody asked for a bar.

#[cfg(feature = "indicatif")]
use crate::many::bar::bar;

/// How far something is.
pub(super) struct Steps {
    #[cfg(feature = "indicatif")]
    bar: Option<indicatif::ProgressBar>,
}

impl Steps {
    /// So many, none of them done. Without the feature `indicatif` nobody can ask for them to be shown.
    #[cfg_attr(not(feature = "indicatif"), allow(unused_variables))]
    pub(super) fn of(shown: bool, steps: usize) -> Steps {
        Steps {
            #[cfg(feature = "indicatif")]
            bar: shown.then(|| bar(Some(steps))),
        }
    }

    /// So many more are done.
    #[cfg_attr(not(feature = "indicatif"), allow(unused_variables))]
    pub(super) fn add(&self, steps: usize) {
        #[cfg(feature = "indicatif")]
        if let Some(bar) = &self.bar {
            bar.inc(steps as u64);
        }
    }
}
