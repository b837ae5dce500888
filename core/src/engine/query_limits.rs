//! How large and how deep a query may be. A parser, a planner and whatever drops their trees recurse as
//! deep as the query nests, and a chain such as `1 + 1 + 1` nests to the left with every link.

use datafusion::sql::sqlparser::dialect::GenericDialect;
use datafusion::sql::sqlparser::keywords::Keyword;
use datafusion::sql::sqlparser::tokenizer::{Token, Tokenizer};

use crate::error::{Code, Error, Result};

/// The bytes of a query: 1 MiB.
const MAX_BYTES: usize = 1 << 20;

/// How deep brackets nest. The parser tries what stands in them in several ways, each of which does so
/// again.
const MAX_BRACKETS: usize = 16;

/// How deep calls of functions nest, which the parser tries in one way. Texts are compared without regard
/// to case by a call for each letter, one in another.
const MAX_CALLS: usize = 40;

/// How many operators and keywords stand in a row, those around the brackets that one is in included; a
/// comma begins a new row.
const MAX_CHAIN: usize = 500;

/// Refuses a query that is too much for a small stack, by its tokens alone.
pub(super) fn check(query: &str) -> Result<()> {
    if query.len() > MAX_BYTES {
        return Err(passed("1 MiB in a query"));
    }
    let tokens = Tokenizer::new(&GenericDialect {}, query).tokenize();
    let tokens = tokens.map_err(|error| {
        Error::new(Code::BadQuery, format!("SQL error: {error}")).caused_by(error)
    })?;
    let mut rows = vec![0];
    // Of each bracket that is open, whether it is a call's.
    let mut open: Vec<bool> = Vec::new();
    let mut may_call = false;
    for token in tokens {
        let called = may_call && token == Token::LParen;
        may_call = is_function(&token);
        match token {
            Token::LParen | Token::LBracket | Token::LBrace => {
                rows.push(0);
                open.push(called);
                let calls = open.iter().filter(|call| **call).count();
                if open.len() - calls > MAX_BRACKETS {
                    return Err(passed(&format!("{MAX_BRACKETS} levels of brackets in a query")));
                }
                if calls > MAX_CALLS {
                    return Err(passed(&format!(
                        "{MAX_CALLS} calls within one another in a query"
                    )));
                }
            }
            Token::RParen | Token::RBracket | Token::RBrace if rows.len() > 1 => {
                rows.pop();
                open.pop();
            }
            Token::Comma => rows.last_mut().into_iter().for_each(|row| *row = 0),
            Token::Word(word) if word.keyword == Keyword::NoKeyword => {}
            Token::Whitespace(_) | Token::Number(..) | Token::SingleQuotedString(_) => {}
            _ => {
                rows.last_mut().into_iter().for_each(|row| *row += 1);
                if rows.iter().sum::<usize>() > MAX_CHAIN {
                    return Err(passed(&format!("{MAX_CHAIN} operators in a row in a query")));
                }
            }
        }
    }
    Ok(())
}

/// Whether a bracket after it is that of a call: `NOT (` and `IN (` are none.
fn is_function(token: &Token) -> bool {
    let Token::Word(word) = token else { return false };
    matches!(word.keyword, Keyword::NoKeyword | Keyword::REPLACE)
}

fn passed(limit: &str) -> Error {
    let message = format!("the limit of {limit} is passed");
    Error::from(crate::Problem::new(Code::LimitExceeded, "", message))
}
