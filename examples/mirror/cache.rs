//! What was answered before, in a file for each airport.

use std::path::{Path, PathBuf};
use std::{fs, io};

use pipeline::stage;

use crate::{Airport, Answer, Source};

/// A folder of files.
#[derive(Debug)]
pub(crate) struct Files(PathBuf);

impl Files {
    pub(crate) fn new(folder: &Path) -> Self {
        Self(folder.to_owned())
    }

    fn path(&self, iata: &str) -> PathBuf {
        self.0.join(iata).with_extension("json")
    }
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum RecallError {
    #[error("never heard of it")]
    Unknown,
    #[error("cannot read the file: {0}")]
    File(io::Error),
    #[error("the file is not what was written: {0}")]
    Json(#[from] serde_json::Error),
}

/// Writes an answer down. If that fails it is as good an answer as before.
#[stage(blocking)]
pub(crate) fn remember(answer: Answer, #[state] files: &Files) -> Answer {
    let Answer { airport, .. } = &answer;
    let path = files.path(&airport.iata);
    let written =
        serde_json::to_vec(airport).map_err(io::Error::from).and_then(|json| fs::write(&path, json));
    if let Err(error) = written {
        eprintln!("cannot remember {}: {error}", path.display());
    }
    answer
}

#[stage(blocking)]
pub(crate) fn recall(iata: &str, #[state] files: &Files) -> Result<Answer, RecallError> {
    let json = fs::read(files.path(iata)).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => RecallError::Unknown,
        _ => RecallError::File(error),
    })?;
    let airport: Airport = serde_json::from_slice(&json)?;
    Ok(Answer { airport, from: Source::Files })
}
