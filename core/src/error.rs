//! What goes wrong, said once for every language: a [`Problem`] is one fault with its code and
//! place, an [`Error`] is what a verb answers with, and its [`Kind`] says what the caller can do.

use std::fmt;

use serde::Serialize;

/// What the caller of a failed verb should do about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Kind {
    /// Mend the document or the argument; [`Error::problems`] says where.
    Invalid,
    /// Nothing has that id or name.
    NotFound,
    /// Somebody else's change stands in the way: read again, then decide.
    Conflict,
    /// Mend the data or its registration; what was published before still stands.
    Data,
    /// Try again later.
    Busy,
    /// The caller asked to stop; nothing was published.
    Cancelled,
    /// A fault of Segmentry or of the machine under it: report it.
    Internal,
}

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $text:literal => $kind:ident,)*) => {
        /// The stable name of one fault, the same in every language and over HTTP.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[non_exhaustive]
        pub enum Code { $($(#[$doc])* $name,)* }

        impl Code {
            /// The code as it is written in documents, `unknown_field` for instance.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Code::$name => $text,)* }
            }

            /// The kind of error that a problem with this code makes.
            #[must_use]
            pub fn kind(self) -> Kind {
                match self { $(Code::$name => Kind::$kind,)* }
            }
        }
    };
}

codes! {
    /// The text is not JSON, or a value has the wrong JSON shape.
    Malformed = "malformed" => Invalid,
    /// A member that the language does not have.
    UnknownMember = "unknown_member" => Invalid,
    /// A member that is required here.
    MissingMember = "missing_member" => Invalid,
    /// A field, column or trait that the model does not have.
    UnknownField = "unknown_field" => Invalid,
    /// A value of another type than the field's.
    TypeMismatch = "type_mismatch" => Invalid,
    /// An operator that does not exist or does not go with the field's type.
    BadOperator = "bad_operator" => Invalid,
    /// A value that is not one of those allowed here.
    BadValue = "bad_value" => Invalid,
    /// A window that is none of the forms, or runs backwards.
    BadWindow = "bad_window" => Invalid,
    /// A text that is no date or instant, or dates in the wrong order.
    BadDate = "bad_date" => Invalid,
    /// A name that is not in the IANA time-zone database.
    BadTimezone = "bad_timezone" => Invalid,
    /// A schedule that is not five-field cron.
    BadSchedule = "bad_schedule" => Invalid,
    /// A name that is empty, too long or holds what a name can't.
    BadName = "bad_name" => Invalid,
    /// A rule of that name exists.
    DuplicateName = "duplicate_name" => Invalid,
    /// No rule has that id or name.
    UnknownRule = "unknown_rule" => Invalid,
    /// Rules that need one another in a circle.
    DependencyCycle = "dependency_cycle" => Invalid,
    /// A limit of the language was passed; the message says which.
    LimitExceeded = "limit_exceeded" => Invalid,
    /// Known to the language, not evaluated by this engine or dialect.
    Unsupported = "unsupported" => Invalid,
    /// A table of the model is not registered.
    MissingTable = "missing_table" => Data,
    /// A column of the model is not in its table.
    MissingColumn = "missing_column" => Data,
    /// A column has another type than when the segment was last computed.
    ColumnTypeChanged = "column_type_changed" => Data,
    /// A user key is null, doubled or of a type that keys can't have.
    BadKey = "bad_key" => Data,
    /// A sum does not fit 38 digits.
    Overflow = "overflow" => Data,
    /// A segment would have grown or shrunk by more than its rule allows.
    ImplausibleChange = "implausible_change" => Data,
    /// A source can't be read.
    UnreadableSource = "unreadable_source" => Data,
    /// The catalog or something in it is damaged, or is not a catalog.
    Damaged = "damaged" => Data,
    /// The folder of the profile store can't be read or written.
    UnusableStore = "unusable_store" => Data,
    /// The catalog was written by a newer Segmentry.
    NewerCatalog = "newer_catalog" => Data,
    /// Nothing has that id or name.
    NotFound = "not_found" => NotFound,
    /// Other rules need the rule that was to be deleted.
    RuleInUse = "rule_in_use" => Conflict,
    /// The rule was changed since the caller read it.
    StaleVersion = "stale_version" => Conflict,
    /// Something is there already, and is not overwritten.
    AlreadyExists = "already_exists" => Conflict,
    /// An ancestor failed or is gone, so the rule was not evaluated.
    AncestorFailed = "ancestor_failed" => Data,
    /// Another process holds what is needed.
    Busy = "busy" => Busy,
    /// Another process took over what a run held a lease on; nothing was published.
    LeaseLost = "lease_lost" => Busy,
    /// The time limit of the run was over before it was.
    TimedOut = "timed_out" => Busy,
    /// The caller cancelled.
    Cancelled = "cancelled" => Cancelled,
    /// A query that would do more than read.
    NotReadOnly = "not_read_only" => Invalid,
    /// The query is not valid SQL or names what is not registered.
    BadQuery = "bad_query" => Invalid,
    /// The memory limit does not allow it.
    OutOfMemory = "out_of_memory" => Busy,
    /// The operating system refused a read or a write.
    Io = "io" => Internal,
    /// A fault of Segmentry itself.
    Internal = "internal" => Internal,
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for Code {
    fn serialize<S: serde::Serializer>(&self, s: S) -> std::result::Result<S::Ok, S::Error> {
        s.serialize_str(self.as_str())
    }
}

/// One fault of a document or of the data.
///
/// `path` is a JSON Pointer into the document (`/conditions/2/value`), empty for the whole of it; of
/// conditions in text form it is line and column (`1:23`), columns counting characters.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Problem {
    /// The stable name of the fault.
    pub code: Code,
    /// JSON Pointer to the place in the document, or line and column in a text.
    pub path: String,
    /// What was found and what was expected, for people.
    pub message: String,
    /// What to write instead, where something near is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

impl Problem {
    /// A problem without a hint.
    pub fn new(code: Code, path: impl Into<String>, message: impl Into<String>) -> Self {
        Problem { code, path: path.into(), message: message.into(), hint: None }
    }

    /// The same problem with a hint.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The same problem with the hint `did you mean "…"?` if `known` holds a name near `found`.
    #[must_use]
    pub fn nearest<'a>(mut self, found: &str, known: impl IntoIterator<Item = &'a str>) -> Self {
        if let Some(name) = nearest(found, known) {
            self.hint = Some(format!("did you mean {name:?}?"));
        }
        self
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.message)?;
        if !self.path.is_empty() {
            write!(f, " (at {})", self.path)?;
        }
        if let Some(hint) = &self.hint {
            write!(f, "; {hint}")?;
        }
        Ok(())
    }
}

/// The name in `known` nearest to `found`, if one is near enough to be what was meant.
pub(crate) fn nearest<'a>(
    found: &str,
    known: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    // A name of a megabyte is no typing slip, and comparing it would take time.
    if found.len() > 256 {
        return None;
    }
    let lower = found.to_lowercase();
    known
        .into_iter()
        .map(|name| (strsim::jaro_winkler(&lower, &name.to_lowercase()), name))
        .filter(|(score, _)| *score >= 0.8)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, name)| name)
}

/// What a verb of Segmentry fails with.
///
/// ```
/// use segmentry::{Code, Kind, RuleParser};
/// let error = RuleParser::parse(r#"{"rule_nam": "Big spenders", "conditions": []}"#).unwrap_err();
/// assert_eq!(error.kind(), Kind::Invalid);
/// let problem = &error.problems()[0];
/// assert_eq!(problem.code, Code::UnknownMember);
/// assert_eq!(problem.path, "/rule_nam");
/// assert_eq!(problem.hint.as_deref(), Some("did you mean \"rule_name\"?"));
/// ```
#[derive(Clone)]
pub struct Error(Box<Inner>);

#[derive(Clone)]
struct Inner {
    problems: Vec<Problem>,
    source: Option<std::sync::Arc<dyn std::error::Error + Send + Sync>>,
}

/// A result whose error is [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// An error of one problem that has no place in a document.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Error::from(Problem::new(code, "", message))
    }

    /// An error of all of a document's problems; of none, it is an internal error.
    #[must_use]
    pub fn of(mut problems: Vec<Problem>) -> Self {
        if problems.is_empty() {
            problems.push(Problem::new(Code::Internal, "", "failed without a reason"));
        }
        Error(Box::new(Inner { problems, source: None }))
    }

    /// The same error, caused by `source`.
    #[must_use]
    pub fn caused_by(mut self, source: impl std::error::Error + Send + Sync + 'static) -> Self {
        self.0.source = Some(std::sync::Arc::new(source));
        self
    }

    /// What the caller should do.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.code().kind()
    }

    /// The code of the first problem.
    #[must_use]
    pub fn code(&self) -> Code {
        self.0.problems.first().map_or(Code::Internal, |p| p.code)
    }

    /// The place of the first problem, a JSON Pointer.
    #[must_use]
    pub fn path(&self) -> &str {
        self.0.problems.first().map_or("", |p| &p.path)
    }

    /// The hint of the first problem.
    #[must_use]
    pub fn hint(&self) -> Option<&str> {
        self.0.problems.first().and_then(|p| p.hint.as_deref())
    }

    /// Everything that is wrong, at least one: first faults of form, then those of meaning.
    #[must_use]
    pub fn problems(&self) -> &[Problem] {
        &self.0.problems
    }

    /// The problems themselves.
    #[must_use]
    pub fn into_problems(self) -> Vec<Problem> {
        self.0.problems
    }
}

impl From<Problem> for Error {
    fn from(problem: Problem) -> Self {
        Error::of(vec![problem])
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, problem) in self.0.problems.iter().take(20).enumerate() {
            write!(f, "{}{problem}", if i > 0 { "\n" } else { "" })?;
        }
        match self.0.problems.len().saturating_sub(20) {
            0 => Ok(()),
            more => write!(f, "\n… and {more} more"),
        }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")?;
        match &self.0.source {
            Some(source) => write!(f, "\ncaused by: {source}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source.as_ref().map(|s| s.as_ref() as &(dyn std::error::Error + 'static))
    }
}
