//! Errors of Segmentry and panics on their way to JavaScript, where `src/errors.ts` makes them what is
//! thrown. They cross as JSON in the message of a plain error: that can be made on any thread.

use std::any::Any;

use segmentry::{Code, Error, Problem, Result};
use serde::Serialize;

/// An error as it crosses.
#[derive(Serialize)]
struct Crossing<'a> {
    segmentry: Told<'a>,
}

#[derive(Serialize)]
struct Told<'a> {
    kind: segmentry::Kind,
    message: String,
    problems: &'a [Problem],
}

/// An error, to be thrown or to be a promise's reason.
pub(crate) fn thrown(error: &Error) -> napi::Error {
    let told = Told { kind: error.kind(), message: error.to_string(), problems: error.problems() };
    // Neither names nor texts can fail to be written.
    napi::Error::from_reason(
        serde_json::to_string(&Crossing { segmentry: told }).unwrap_or_default(),
    )
}

/// A wrong argument.
pub(crate) fn bad(message: impl Into<String>) -> napi::Error {
    thrown(&Error::new(Code::BadValue, message))
}

/// A value as JSON text.
pub(crate) fn json(value: &impl Serialize) -> Result<String> {
    serde_json::to_string(value).map_err(|error| {
        Error::new(Code::Internal, "an answer can't be written as JSON").caused_by(error)
    })
}

/// About how long a text is that JavaScript reads in one turn of its event loop.
const TURN: usize = 64 * 1024;

/// A list as JSON lists, of which each is read in a turn of the event loop that leaves room for others.
pub(crate) fn pieces<T: Serialize>(items: &[T]) -> Result<Vec<String>> {
    let mut pieces: Vec<String> = Vec::new();
    for item in items {
        let item = json(item)?;
        match pieces.last_mut() {
            Some(piece) if piece.len() + item.len() < TURN => {
                piece.push(',');
                piece.push_str(&item);
            }
            _ => pieces.push(format!("[{item}")),
        }
    }
    pieces.iter_mut().for_each(|piece| piece.push(']'));
    Ok(pieces)
}

/// What a panic said.
pub(crate) fn words(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("nothing")
}

/// A panic as an error: JavaScript should see no other kind of end.
pub(crate) fn panicked(panic: &(dyn Any + Send)) -> Error {
    let message = format!("Segmentry panicked and said: {}", words(panic));
    Error::from(Problem::new(Code::Internal, "", message).hint("report it; nothing was published"))
}
