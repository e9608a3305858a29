//! What was seen of the directory, and what of that is done with.

use super::case::Case;
use std::collections::BTreeMap;

/// Compares looks. Something is done about a file only when two looks agree on it: one that is being written differs from look to look, and one that is replaced is missing
/// in one of them.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    lines: BTreeMap<String, Line>,
}

/// One file, or the directory.
#[derive(Debug, Default)]
struct Line {
    seen: Option<Case>,
    done: Option<Case>,
    /// It failed for a reason outside of it.
    is_to_retry: bool,
    shown: Shown,
}

/// What of a file is on show as a trouble.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum Shown {
    #[default]
    Nothing,
    /// Something is wrong with the file, under its own name.
    File,
    /// The component of this digest was refused, under the plugin's name.
    Refused {
        /// The component's.
        digest: String,
        /// Because of what it is, and not of what went wrong around it.
        is_final: bool,
    },
}

/// How a case ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ended {
    /// Nothing more is done until it changes.
    Settled,
    /// It is tried again after a while.
    ToRetry,
}

/// What a look comes to.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Compared {
    /// Two looks agree on these, and nothing was done about them yet.
    pub(super) acts: Vec<(String, Case)>,
    /// Some must be looked at once more.
    pub(super) is_pending: bool,
}

impl Ledger {
    /// Takes a look in. What a look that is not whole leaves out stays as it was.
    pub(super) fn compare(&mut self, mut found: BTreeMap<String, Case>, is_whole: bool) -> Compared {
        if is_whole {
            for file in self.lines.keys() {
                found.entry(file.clone()).or_insert(Case::Gone);
            }
        }
        let mut compared = Compared { acts: Vec::new(), is_pending: false };
        for (file, case) in found {
            let line = self.lines.entry(file.clone()).or_default();
            let is_done = line.done.as_ref() == Some(&case);
            if line.seen.as_ref() != Some(&case) {
                line.seen = Some(case);
                compared.is_pending |= !is_done;
            } else if !is_done {
                compared.acts.push((file, case));
            }
        }
        compared
    }

    /// What of a file is on show.
    pub(super) fn shown(&self, file: &str) -> Shown {
        self.lines.get(file).map(|line| line.shown.clone()).unwrap_or_default()
    }

    /// Something was done about a file; a file that is gone is forgotten.
    pub(super) fn done(&mut self, file: &str, case: Case, ended: Ended, shown: Shown) {
        if case == Case::Gone {
            self.lines.remove(file);
            return;
        }
        let line = self.lines.entry(file.to_owned()).or_default();
        line.seen.get_or_insert_with(|| case.clone());
        line.done = Some(case);
        line.is_to_retry = ended == Ended::ToRetry;
        line.shown = shown;
    }

    /// What failed for a reason outside of it is to be done anew.
    pub(super) fn retry(&mut self) {
        for line in self.lines.values_mut().filter(|line| line.is_to_retry) {
            line.is_to_retry = false;
            line.done = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::case::Wrong;
    use super::*;

    const FILE: &str = "a.wasm";

    /// Cases that differ, as those of a growing file do.
    fn case(bytes: u64) -> Case {
        Case::Wrong(Wrong::TooLarge { bytes })
    }

    fn look(ledger: &mut Ledger, case: Option<Case>) -> Compared {
        ledger.compare(case.map(|case| (FILE.to_owned(), case)).into_iter().collect(), true)
    }

    fn acts(case: Case) -> Compared {
        Compared { acts: vec![(FILE.to_owned(), case)], is_pending: false }
    }

    const PENDING: Compared = Compared { acts: Vec::new(), is_pending: true };
    const IDLE: Compared = Compared { acts: Vec::new(), is_pending: false };

    #[test]
    fn a_file_that_grows_is_left_alone_until_two_looks_agree() {
        let mut ledger = Ledger::default();
        assert_eq!(look(&mut ledger, Some(case(1))), PENDING);
        assert_eq!(look(&mut ledger, Some(case(2))), PENDING);
        assert_eq!(look(&mut ledger, Some(case(2))), acts(case(2)));
        assert_eq!(look(&mut ledger, Some(case(2))), acts(case(2)), "until it is done");
        ledger.done(FILE, case(2), Ended::Settled, Shown::Nothing);
        assert_eq!(look(&mut ledger, Some(case(2))), IDLE);
    }

    #[test]
    fn a_file_that_is_replaced_was_never_gone() {
        let mut ledger = Ledger::default();
        ledger.done(FILE, case(1), Ended::Settled, Shown::Nothing);
        assert_eq!(look(&mut ledger, None), PENDING);
        assert_eq!(look(&mut ledger, Some(case(1))), IDLE);
        assert_eq!(look(&mut ledger, None), PENDING);
        assert_eq!(look(&mut ledger, None), acts(Case::Gone));
        ledger.done(FILE, Case::Gone, Ended::Settled, Shown::Nothing);
        assert_eq!(look(&mut ledger, None), IDLE);
    }

    #[test]
    fn a_look_that_is_not_whole_says_nothing_of_what_it_lacks() {
        let mut ledger = Ledger::default();
        ledger.done(FILE, case(1), Ended::Settled, Shown::File);
        for _ in 0..3 {
            assert_eq!(ledger.compare(BTreeMap::new(), false), IDLE);
        }
        assert_eq!(ledger.shown(FILE), Shown::File);
    }

    #[test]
    fn only_what_is_to_be_retried_is_done_anew() {
        let mut ledger = Ledger::default();
        ledger.done(FILE, case(1), Ended::Settled, Shown::Nothing);
        ledger.retry();
        assert_eq!(look(&mut ledger, Some(case(1))), IDLE);
        ledger.done(FILE, case(1), Ended::ToRetry, Shown::Nothing);
        assert_eq!(look(&mut ledger, Some(case(1))), IDLE);
        ledger.retry();
        assert_eq!(look(&mut ledger, Some(case(1))), acts(case(1)));
    }
}
