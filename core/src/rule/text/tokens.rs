//! The text as tokens. sqlparser gives all tokens of a text at once, at ninety bytes each; here it
//! is handed the text a piece at a time, so that 64 MiB of brackets cost no more than their first.

use std::collections::VecDeque;

use sqlparser::dialect::Dialect;
use sqlparser::tokenizer::{Location, Token, TokenWithSpan, Tokenizer, Whitespace};

use crate::error::{Code, Problem};

use super::place::Fault;

/// What sqlparser's generic dialect takes for words, quotes and comments, without the strings of
/// other systems (`E'..'`, `Q'..'`, triple quotes) and without comments that are code.
#[derive(Debug)]
struct Expressions;

impl Dialect for Expressions {
    fn is_delimited_identifier_start(&self, c: char) -> bool {
        c == '"' || c == '`'
    }

    fn is_identifier_start(&self, c: char) -> bool {
        c.is_alphabetic() || c == '_' || c == '#' || c == '@'
    }

    fn is_identifier_part(&self, c: char) -> bool {
        self.is_identifier_start(c) || c.is_ascii_digit() || c == '$'
    }

    fn supports_nested_comments(&self) -> bool {
        true
    }
}

/// How much of the text sqlparser is handed at first.
const PIECE: usize = 64 * 1024;
/// More tokens than any text has in one piece without a space, a comma or a bracket between them.
const MAX_UNBROKEN: usize = 2 * PIECE;

/// The tokens of a text, spaces and comments left out.
pub(super) struct Tokens<'t> {
    /// What sqlparser has not been handed yet.
    rest: &'t str,
    /// Where `rest` begins.
    offset: usize,
    ready: VecDeque<(Token, u32)>,
    failure: Option<Fault>,
}

impl<'t> Tokens<'t> {
    pub(super) fn new(text: &'t str) -> Tokens<'t> {
        // Editors put a mark before the text that is no part of it.
        let rest = text.strip_prefix('\u{feff}').unwrap_or(text);
        let offset = text.len() - rest.len();
        Tokens { rest, offset, ready: VecDeque::new(), failure: None }
    }

    /// The token after `ahead` others; [`Token::EOF`] at the end, and where the text is broken.
    pub(super) fn peek(&mut self, ahead: usize) -> &Token {
        while self.ready.len() <= ahead && !self.rest.is_empty() && self.failure.is_none() {
            self.fill();
        }
        self.ready.get(ahead).map_or(&Token::EOF, |(token, _)| token)
    }

    /// Where the next token begins, or the text ends.
    pub(super) fn at(&mut self) -> u32 {
        self.peek(0);
        match (self.ready.front(), &self.failure) {
            (Some((_, at)), _) => *at,
            (None, Some(fault)) => fault.at,
            (None, None) => to_u32(self.offset),
        }
    }

    /// The next token, taken away.
    pub(super) fn take(&mut self) -> (Token, u32) {
        let at = self.at();
        self.ready.pop_front().unwrap_or((Token::EOF, at))
    }

    /// Why there is no next token, if the text is broken there.
    pub(super) fn broken(&mut self) -> Option<Fault> {
        self.peek(0);
        match self.ready.is_empty() {
            true => self.failure.clone(),
            false => None,
        }
    }

    /// Ends the text here.
    pub(super) fn stop(&mut self, fault: Fault) {
        self.ready.clear();
        self.rest = "";
        self.failure = Some(fault);
    }

    /// Hands sqlparser the next piece, and a longer one as long as it ends within a token.
    fn fill(&mut self) {
        let mut size = PIECE;
        loop {
            let piece = self.rest.get(..self.rest.ceil_char_boundary(size)).unwrap_or(self.rest);
            let whole = piece.len() == self.rest.len();
            let mut found = Vec::new();
            let result =
                Tokenizer::new(&Expressions, piece).tokenize_with_location_into_buf(&mut found);
            if whole {
                let end = self.accept(found, piece);
                if let Err(error) = result {
                    // Where the token begins that has no end, or is none.
                    self.fail(self.offset + end, &error.message);
                }
                self.offset += piece.len();
                self.rest = "";
                return;
            }
            // Cut where what comes after can't depend on what came before.
            let sure = found.len().saturating_sub(usize::from(result.is_ok()));
            found.truncate(sure);
            let cut = found.iter().rposition(|t| is_break(&t.token)).map_or(0, |last| last + 1);
            if cut == 0 && found.len() > MAX_UNBROKEN {
                self.rest = "";
                return self.fail(self.offset, "Unbroken text");
            }
            if cut > 0 {
                found.truncate(cut);
                let end = self.accept(found, piece);
                self.rest = self.rest.get(end..).unwrap_or_default();
                self.offset += end;
                return;
            }
            size = size.saturating_mul(2);
        }
    }

    /// Keeps the tokens that say something; gives where the last of all ends in the piece.
    fn accept(&mut self, found: Vec<TokenWithSpan>, piece: &str) -> usize {
        let mut cursor = Cursor::new(piece);
        for TokenWithSpan { token, span } in found {
            let at = to_u32(self.offset + cursor.advance(span.start));
            if !matches!(token, Token::Whitespace(_)) {
                self.ready.push_back((token, at));
            }
            cursor.advance(span.end);
        }
        cursor.offset
    }

    fn fail(&mut self, at: usize, reason: &str) {
        let message = match reason {
            r if r.contains("string literal") => "the string has no closing quote",
            r if r.contains("close delimiter") => "the quoted name has no closing quote",
            r if r.contains("comment") => "the comment has no end",
            r if r.contains("Unbroken") => "expected a word, a space or a comma in so long a text",
            _ => "a character that is no part of a condition",
        };
        let problem = Problem::new(Code::Malformed, "", message);
        self.failure = Some(Fault { at: to_u32(at), problem });
    }
}

/// Whether the next token is the same whatever stood before this one.
fn is_break(token: &Token) -> bool {
    let comment = |w: &Whitespace| {
        matches!(w, Whitespace::SingleLineComment { .. } | Whitespace::MultiLineComment(_))
    };
    match token {
        Token::Whitespace(space) => !comment(space),
        Token::Comma | Token::LParen | Token::RParen => true,
        _ => false,
    }
}

/// Texts are at most 64 MiB long.
fn to_u32(offset: usize) -> u32 {
    u32::try_from(offset).unwrap_or(u32::MAX)
}

/// From sqlparser's lines and columns to bytes, going forward only.
struct Cursor<'p> {
    rest: std::str::Chars<'p>,
    line: u64,
    column: u64,
    offset: usize,
}

impl<'p> Cursor<'p> {
    fn new(piece: &'p str) -> Cursor<'p> {
        Cursor { rest: piece.chars(), line: 1, column: 1, offset: 0 }
    }

    fn advance(&mut self, to: Location) -> usize {
        while (self.line, self.column) < (to.line, to.column) {
            match self.rest.next() {
                Some('\n') => {
                    (self.line, self.column) = (self.line + 1, 1);
                    self.offset += 1;
                }
                Some(c) => {
                    self.column += 1;
                    self.offset += c.len_utf8();
                }
                None => break,
            }
        }
        self.offset
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(text: &str) -> (Vec<(Token, u32)>, Option<u32>) {
        let mut tokens = Tokens::new(text);
        let mut found = Vec::new();
        while *tokens.peek(0) != Token::EOF {
            found.push(tokens.take());
        }
        (found, tokens.broken().map(|fault| fault.at))
    }

    #[test]
    fn tokens_have_the_place_of_their_first_byte() {
        let (tokens, broken) = all("é = 'a''b' -- c\n  and /* d */ \"f\"\"\" <= 1");
        let places: Vec<u32> = tokens.iter().map(|(_, at)| *at).collect();
        assert_eq!(places, [0, 3, 5, 19, 31, 37, 40]);
        assert_eq!(tokens[2].0, Token::SingleQuotedString("a'b".to_owned()));
        assert_eq!(broken, None);
        assert_eq!(all("a = 'x").1, Some(4));
        assert_eq!(all("a /* b").1, Some(2));
        assert_eq!(all(""), (Vec::new(), None));
    }

    #[test]
    fn an_edge_between_pieces_changes_nothing() {
        for shift in 0..16 {
            let text = " ".repeat(shift) + &"a <= 'x''y' and ".repeat(3 * PIECE / 16);
            let (tokens, broken) = all(&text);
            let strings =
                |(token, _): &&(Token, u32)| matches!(token, Token::SingleQuotedString(_));
            let last = tokens.iter().rfind(strings).unwrap();
            assert_eq!(last.0, Token::SingleQuotedString("x'y".to_owned()));
            assert_eq!(usize::try_from(last.1).unwrap(), text.len() - 11);
            assert_eq!(broken, None);
        }
        let (tokens, broken) = all(&"=".repeat(4 * PIECE * 10));
        assert!(tokens.is_empty() && broken == Some(0));
    }
}
