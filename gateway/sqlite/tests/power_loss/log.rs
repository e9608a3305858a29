//! The recorder's log, read.

/// The files of a database, as the recorder numbers them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum File {
    Database,
    Log,
    Journal,
}

impl File {
    pub const ALL: [Self; 3] = [Self::Database, Self::Log, Self::Journal];

    pub fn suffix(self) -> &'static str {
        match self {
            Self::Database => "",
            Self::Log => "-wal",
            Self::Journal => "-journal",
        }
    }

    fn numbered(number: u8) -> Self {
        match number {
            1 => Self::Database,
            2 => Self::Log,
            3 => Self::Journal,
            other => panic!("file {other} in the log"),
        }
    }
}

/// One thing that happened.
#[derive(Clone, Debug)]
pub enum Step {
    Write {
        file: File,
        at: usize,
        bytes: Vec<u8>,
    },
    Truncate {
        file: File,
        size: usize,
    },
    Sync {
        file: File,
    },
    Unlink {
        file: File,
    },
    /// An event was acknowledged to its publisher.
    Published(i64),
    /// An attempt was acknowledged to the dispatcher.
    Finished(i64),
}

/// Says that an event was acknowledged.
pub const PUBLISHED: u8 = b'P';
/// Says that an attempt was.
pub const FINISHED: u8 = b'F';
const ACKS: u8 = 4;
const HEAD: usize = 14;

/// Reads a log. Its last record may be cut short: the process ended while it was written, and so did what it tells of, unsynced and unpromised.
pub fn read(mut bytes: &[u8]) -> Vec<Step> {
    let mut steps = Vec::new();
    while let Some((head, rest)) = bytes.split_at_checked(HEAD) {
        let (kind, file) = (head[0], head[1]);
        let at = usize::try_from(u64::from_le_bytes(head[2..10].try_into().unwrap())).unwrap();
        let length = u32::from_le_bytes(head[10..14].try_into().unwrap()) as usize;
        let Some((content, rest)) = rest.split_at_checked(length) else { break };
        bytes = rest;
        steps.push(match kind {
            b'W' if file == ACKS => promise(content),
            _ if file == ACKS => continue,
            b'W' => Step::Write { file: File::numbered(file), at, bytes: content.to_vec() },
            b'T' => Step::Truncate { file: File::numbered(file), size: at },
            b'S' => Step::Sync { file: File::numbered(file) },
            b'U' => Step::Unlink { file: File::numbered(file) },
            other => panic!("kind {other} in the log"),
        });
    }
    steps
}

fn promise(content: &[u8]) -> Step {
    let id = i64::from_le_bytes(content[1..9].try_into().unwrap());
    match (content.len(), content[0]) {
        (9, PUBLISHED) => Step::Published(id),
        (9, FINISHED) => Step::Finished(id),
        other => panic!("{other:?} is no promise"),
    }
}
