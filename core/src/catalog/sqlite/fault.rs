//! What goes wrong in the SQLite catalog, and which public code each of it has.

use rusqlite::ErrorCode;

use crate::error::{Code, Error, Problem};

/// A fault that does not yet say in which catalog it happened.
#[derive(Debug, thiserror::Error)]
pub(super) enum Fault {
    /// SQLite refused.
    #[error(transparent)]
    Sqlite(#[from] rusqlite::Error),
    /// Found by Segmentry itself.
    #[error("{1}")]
    Known(Code, String),
    /// Found by what all catalogs share.
    #[error(transparent)]
    Shared(#[from] Error),
}

impl Fault {
    pub(super) fn damaged(message: impl Into<String>) -> Self {
        Fault::Known(Code::Damaged, message.into())
    }

    pub(super) fn internal(message: impl Into<String>) -> Self {
        Fault::Known(Code::Internal, message.into())
    }

    /// The public code of this fault.
    pub(super) fn code(&self) -> Code {
        match self {
            Fault::Shared(error) => error.code(),
            Fault::Known(code, _) => *code,
            Fault::Sqlite(error) => code(error),
        }
    }

    /// The public error of this fault in the catalog at `location`.
    pub(super) fn at(self, location: &str) -> Error {
        match self {
            Fault::Shared(error) => error,
            Fault::Known(code, message) => told(code, format!("catalog {location}: {message}")),
            Fault::Sqlite(error) => {
                let code = code(&error);
                let message = match meaning(code) {
                    "" => format!("catalog {location}: {error}"),
                    meaning => format!("catalog {location}: {meaning}: {error}"),
                };
                told(code, message).caused_by(error)
            }
        }
    }
}

impl From<rusqlite_migration::Error> for Fault {
    fn from(error: rusqlite_migration::Error) -> Self {
        match error {
            rusqlite_migration::Error::RusqliteError { err, .. } => Fault::Sqlite(err),
            other => Fault::internal(format!("the migration failed: {other}")),
        }
    }
}

/// The error, with what to do where something is damaged.
fn told(code: Code, message: String) -> Error {
    let problem = Problem::new(code, "", message);
    Error::from(match code {
        Code::Damaged => problem.hint(
            "`check` tells all that is damaged and how to mend it; of what can't be opened \
             there is the last backup",
        ),
        _ => problem,
    })
}

fn code(error: &rusqlite::Error) -> Code {
    use rusqlite::Error as E;
    match error {
        E::SqliteFailure(failure, _) => match failure.code {
            ErrorCode::DatabaseBusy
            | ErrorCode::DatabaseLocked
            | ErrorCode::FileLockingProtocolFailed => Code::Busy,
            ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase => Code::Damaged,
            ErrorCode::SystemIoFailure
            | ErrorCode::DiskFull
            | ErrorCode::CannotOpen
            | ErrorCode::PermissionDenied
            | ErrorCode::ReadOnly => Code::Io,
            ErrorCode::OutOfMemory => Code::OutOfMemory,
            ErrorCode::TooBig => Code::LimitExceeded,
            _ => Code::Internal,
        },
        // A stored value of another type than was written.
        E::FromSqlConversionFailure(..)
        | E::IntegralValueOutOfRange(..)
        | E::Utf8Error(..)
        | E::InvalidColumnType(..) => Code::Damaged,
        // A path that no system has.
        E::NulError(_) | E::InvalidPath(_) => Code::Io,
        _ => Code::Internal,
    }
}

fn meaning(code: Code) -> &'static str {
    match code {
        Code::Busy => "another program keeps it locked",
        Code::Damaged => "it is damaged or not a catalog",
        Code::Io => "the system does not let it be read or written",
        _ => "",
    }
}
