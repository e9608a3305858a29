//! A file on a disk that may lose what was not synced.

use rand::RngExt;
use rand::rngs::StdRng;

const SECTOR: usize = 512;

/// What happened to a file since it was last synced.
#[derive(Clone, Debug)]
enum Unsynced {
    Write { at: usize, bytes: Vec<u8> },
    Truncate { size: usize },
    Unlink,
}

/// What is sure, and what is not.
#[derive(Clone, Debug, Default)]
pub struct DiskFile {
    /// As of the last sync; `None` while there is no such file.
    sure: Option<Vec<u8>>,
    unsynced: Vec<Unsynced>,
}

impl DiskFile {
    pub fn write(&mut self, at: usize, bytes: &[u8]) {
        self.unsynced.push(Unsynced::Write { at, bytes: bytes.to_vec() });
    }

    pub fn truncate(&mut self, size: usize) {
        self.unsynced.push(Unsynced::Truncate { size });
    }

    pub fn unlink(&mut self) {
        self.unsynced.push(Unsynced::Unlink);
    }

    pub fn sync(&mut self) {
        for step in std::mem::take(&mut self.unsynced) {
            apply(&mut self.sure, &step);
        }
    }

    /// Another file was synced. A removal before that is sure now: file systems keep the order of what happens to names, and commit them with any sync.
    pub fn other_synced(&mut self) {
        let removal = self.unsynced.iter().rposition(|step| matches!(step, Unsynced::Unlink));
        if let Some(removal) = removal {
            self.unsynced.drain(..=removal);
            self.sure = None;
        }
    }

    /// The file as a power loss may leave it: each sector of each unsynced write arrived with the probability `share`, and so did each truncation and removal.
    pub fn after_power_loss(&self, share: f64, random: &mut StdRng) -> Option<Vec<u8>> {
        let mut content = self.sure.clone();
        for step in &self.unsynced {
            match step {
                Unsynced::Write { at, bytes } => {
                    for (index, sector) in bytes.chunks(SECTOR).enumerate() {
                        if random.random_bool(share) {
                            apply(&mut content, &Unsynced::Write { at: at + index * SECTOR, bytes: sector.to_vec() });
                        }
                    }
                }
                other if random.random_bool(share) => apply(&mut content, other),
                _ => {}
            }
        }
        content
    }
}

fn apply(content: &mut Option<Vec<u8>>, step: &Unsynced) {
    match step {
        Unsynced::Write { at, bytes } => {
            let content = content.get_or_insert_default();
            let end = at + bytes.len();
            if content.len() < end {
                content.resize(end, 0);
            }
            content[*at..end].copy_from_slice(bytes);
        }
        Unsynced::Truncate { size } => content.get_or_insert_default().resize(*size, 0),
        Unsynced::Unlink => *content = None,
    }
}
