//! Damage to texts and bytes that keeps some of them readable.

use rand::Rng;
use rand::seq::IndexedRandom;

use super::Random;
use super::grammar::Grammar;

/// Letters that languages take for something.
const LETTERS: [char; 28] = [
    '"', '\'', '\\', '{', '}', '[', ']', '(', ')', ',', ':', '.', '-', '+', '0', '9', 'e', '\0',
    '\n', ' ', 'é', '\u{301}', '😀', '\u{202e}', '/', '*', '<', '=',
];

/// Changes one to three places of a text.
pub fn text(text: &str, other: &str, grammar: &Grammar, random: &mut Random) -> String {
    let mut letters: Vec<char> = text.chars().collect();
    for _ in 0..random.random_range(1..=3) {
        if letters.is_empty() {
            break;
        }
        let at = random.random_range(0..letters.len());
        let end = letters.len().min(at + random.random_range(1..=12));
        match random.random_range(0..8) {
            0 => drop(letters.remove(at)),
            1 => letters[at] = *LETTERS.choose(random).expect("a letter"),
            2 => letters.insert(at, *LETTERS.choose(random).expect("a letter")),
            3 => drop(letters.drain(at..end)),
            4 => drop(letters.splice(at..at, letters[at..end].to_vec())),
            5 => drop(letters.splice(at..at, grammar.word(random).chars())),
            6 => drop(letters.splice(at..end, grammar.word(random).chars())),
            _ => {
                let other: Vec<char> = other.chars().collect();
                let from = random.random_range(0..=other.len());
                let to = other.len().min(from + random.random_range(0..=24));
                drop(letters.splice(at..end, other[from..to].to_vec()));
            }
        }
    }
    letters.into_iter().collect()
}

/// Changes one to three places of some bytes.
pub fn bytes(bytes: &[u8], random: &mut Random) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for _ in 0..random.random_range(1..=3) {
        if bytes.is_empty() {
            break;
        }
        let at = random.random_range(0..bytes.len());
        let end = bytes.len().min(at + random.random_range(1..=8));
        match random.random_range(0..7) {
            0 => bytes[at] ^= 1 << random.random_range(0..8),
            1 => bytes[at] = *[0, 1, 0x7f, 0x80, 0xff].choose(random).expect("a byte"),
            2 => bytes.truncate(at),
            3 => drop(bytes.drain(at..end)),
            4 => drop(bytes.splice(at..at, bytes[at..end].to_vec())),
            5 => bytes[at..end].fill(0),
            _ => bytes[at..end].fill_with(|| random.random()),
        }
    }
    bytes
}
