//! Which regular expressions mean to other engines what they mean here.

use std::collections::BTreeSet;
use std::iter::Peekable;
use std::str::Chars;

use crate::predicate::{TextTest, fold};

/// The test of a pattern that is literal text between anchors or none; folded as the test's is.
pub(super) fn literal(pattern: &str, folded: bool) -> Option<TextTest> {
    let (begins, rest) = pattern.strip_prefix('^').map_or((false, pattern), |rest| (true, rest));
    let mut text = String::new();
    let mut ends = false;
    let mut letters = rest.chars();
    while let Some(letter) = letters.next() {
        match letter {
            _ if ends => return None,
            '$' => ends = true,
            '\\' => text.push(letters.next().filter(char::is_ascii_punctuation)?),
            letter if "^.+*?()|[]{}".contains(letter) => return None,
            letter => text.push(letter),
        }
    }
    let text = if folded { fold(&text) } else { text };
    Some(match (begins, ends) {
        (true, true) => TextTest::In(BTreeSet::from([text])),
        (true, false) => TextTest::Begins(text),
        (false, true) => TextTest::Ends(text),
        (false, false) => TextTest::Contains(text),
    })
}

/// The most repetitions that RE2 takes.
const MOST: u32 = 1_000;

/// Whether RE2, which is DuckDB's, reads a pattern of Rust's `regex` the same: literals, simple
/// classes, groups, anchors and repetitions. Anything beyond that differs in one or the other
/// version, if only in the Unicode that `\d` or `\b` is about.
pub(super) fn same_in_re2(pattern: &str) -> bool {
    let mut letters = pattern.chars().peekable();
    // Whether there is something that a repetition may follow.
    let mut repeatable = false;
    while let Some(letter) = letters.next() {
        repeatable = match letter {
            '\\' if letters.next().is_some_and(|c| c.is_ascii_punctuation()) => true,
            '[' if class(&mut letters) => true,
            '(' if letters.next_if_eq(&'?').is_none() || letters.next_if_eq(&':').is_some() => {
                false
            }
            '*' | '+' | '?' if repeatable => {
                letters.next_if_eq(&'?');
                false
            }
            '{' if repeatable && counted(&mut letters) => {
                letters.next_if_eq(&'?');
                false
            }
            '|' | '^' | '$' => false,
            ')' => true,
            '\\' | '[' | '(' | '*' | '+' | '?' | '{' | '}' | ']' => return false,
            _ => true,
        };
    }
    true
}

/// The rest of a class without classes, set operations or escaped letters in it.
fn class(letters: &mut Peekable<Chars<'_>>) -> bool {
    letters.next_if_eq(&'^');
    let mut before = '[';
    while let Some(letter) = letters.next() {
        match letter {
            ']' => return before != '[',
            '[' | '&' | '~' => return false,
            '-' if before == '-' => return false,
            '\\' if !letters.next().is_some_and(|c| c.is_ascii_punctuation()) => return false,
            _ => before = letter,
        }
    }
    false
}

/// The rest of `{2}`, `{2,}` or `{2,5}`.
fn counted(letters: &mut Peekable<Chars<'_>>) -> bool {
    let inside: String = letters.by_ref().take_while(|letter| *letter != '}').collect();
    let (low, high) = inside.split_once(',').unwrap_or((&inside, ""));
    let fits = |text: &str| text.parse::<u32>().is_ok_and(|count| count <= MOST);
    fits(low) && (high.is_empty() || fits(high))
}

#[cfg(test)]
mod tests {
    use super::{literal, same_in_re2};
    use crate::predicate::TextTest;

    #[test]
    fn literal_text_needs_no_pattern() {
        assert_eq!(literal(r"^a\.b", false), Some(TextTest::Begins("a.b".into())));
        assert_eq!(literal("K$", true), Some(TextTest::Ends("k".into())));
        assert_eq!(literal("", false), Some(TextTest::Contains(String::new())));
        for pattern in ["a.b", "a$b", r"\d", "a|b", "a^"] {
            assert_eq!(literal(pattern, false), None, "{pattern}");
        }
    }

    #[test]
    fn only_what_both_read_alike() {
        for same in ["", "^a.*b$", "a|b", "(?:x|y)+?", r"100\.5\\", "[^a-z]{2,4}", "(ab)*", "é+"] {
            assert!(same_in_re2(same), "{same}");
        }
        for other in [
            r"\d",
            r"\bx",
            "(?i)x",
            "(?P<n>x)",
            "[[:alpha:]]",
            "[a[b]]",
            "[a&&b]",
            "a**",
            "^*",
            "x{2000}",
            "a{,3}",
            r"[\w]",
            "[a",
            "]",
            "}",
        ] {
            assert!(!same_in_re2(other), "{other}");
        }
    }
}
