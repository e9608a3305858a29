//! Images: what a power loss may leave behind, and what had been promised by then.

use crate::disk::DiskFile;
use crate::log::{File, Step};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use std::path::Path;

/// What is left after a power loss.
pub struct Image {
    pub files: Vec<(File, Vec<u8>)>,
    pub published: Vec<i64>,
    pub finished: Vec<i64>,
    /// How often the database itself, not only its log, had been synced.
    pub checkpoints: usize,
    pub number: usize,
}

impl Image {
    /// Puts the files in place.
    pub fn put(&self, path: &Path) {
        for (file, content) in &self.files {
            let mut name = path.as_os_str().to_owned();
            name.push(file.suffix());
            std::fs::write(name, content).unwrap();
        }
    }
}

/// Walks a log from its beginning and makes images on the way, at every sync if there are enough of them, and at moments in between.
pub struct Sampler<'log> {
    steps: std::slice::Iter<'log, Step>,
    at_syncs: Share,
    elsewhere: Share,
    random: StdRng,
    disk: [DiskFile; 3],
    published: Vec<i64>,
    finished: Vec<i64>,
    checkpoints: usize,
    due: usize,
    made: usize,
}

impl<'log> Sampler<'log> {
    pub fn new(log: &'log [Step], images: usize, seed: u64) -> Self {
        let syncs = log.iter().filter(|step| is_sync(step)).count();
        Self {
            steps: log.iter(),
            at_syncs: Share::of(images / 2, syncs),
            elsewhere: Share::of(images - images / 2, log.len() - syncs),
            random: StdRng::seed_from_u64(seed),
            disk: Default::default(),
            published: Vec::new(),
            finished: Vec::new(),
            checkpoints: 0,
            due: 0,
            made: 0,
        }
    }

    /// The image at the end of a log, with everything that was written.
    pub fn end(log: &'log [Step]) -> Image {
        let mut sampler = Self::new(log, 0, 0);
        for step in log {
            sampler.apply(step);
        }
        sampler.image_with(1.0)
    }

    fn image(&mut self) -> Image {
        let share = [0.0, 0.1, 0.5, 0.9, 1.0][self.random.random_range(0..5)];
        self.image_with(share)
    }

    fn image_with(&mut self, share: f64) -> Image {
        let mut files = Vec::new();
        for file in File::ALL {
            let content = self.disk[file as usize].after_power_loss(share, &mut self.random);
            files.extend(content.map(|content| (file, content)));
        }
        self.made += 1;
        Image {
            files,
            published: self.published.clone(),
            finished: self.finished.clone(),
            checkpoints: self.checkpoints,
            number: self.made,
        }
    }

    fn apply(&mut self, step: &Step) {
        match step {
            Step::Write { file, at, bytes } => self.disk[*file as usize].write(*at, bytes),
            Step::Truncate { file, size } => self.disk[*file as usize].truncate(*size),
            Step::Unlink { file } => self.disk[*file as usize].unlink(),
            Step::Sync { file } => {
                self.disk[*file as usize].sync();
                self.disk.iter_mut().for_each(DiskFile::other_synced);
                self.checkpoints += usize::from(*file == File::Database);
            }
            Step::Published(id) => self.published.push(*id),
            Step::Finished(id) => self.finished.push(*id),
        }
    }
}

impl Iterator for Sampler<'_> {
    type Item = Image;

    fn next(&mut self) -> Option<Image> {
        while self.due == 0 {
            let step = self.steps.next()?;
            // The moment before a sync returns is where most is at stake: its first image is made before the step is applied.
            let first = is_sync(step).then(|| self.at_syncs.next());
            let early = first.is_some_and(|images| images > 0).then(|| self.image());
            self.apply(step);
            self.due = first.unwrap_or_else(|| self.elsewhere.next());
            if early.is_some() {
                self.due -= 1;
                return early;
            }
        }
        self.due -= 1;
        Some(self.image())
    }
}

/// Images spread evenly over so many steps.
struct Share {
    images: usize,
    steps: usize,
    done: usize,
}

impl Share {
    fn of(images: usize, steps: usize) -> Self {
        Self { images, steps, done: 0 }
    }

    /// How many images the next step is good for.
    fn next(&mut self) -> usize {
        let until = |step: usize| step * self.images / self.steps;
        let images = until(self.done + 1) - until(self.done);
        self.done += 1;
        images
    }
}

fn is_sync(step: &Step) -> bool {
    matches!(step, Step::Sync { .. })
}
