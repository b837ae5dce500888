//! Strings: case folding, and lists written as one string.

/// Unicode simple case folding, letter by letter.
pub fn fold(text: &str) -> String {
    text.chars()
        .map(|letter| {
            unicode_case_mapping::case_folded(letter)
                .and_then(|code| char::from_u32(code.get()))
                .unwrap_or(letter)
        })
        .collect()
}

/// `"a, b\,c,,"` is `a` and `b,c`.
pub fn split_list(text: &str) -> Vec<String> {
    let mut items = vec![String::new()];
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        let item = items.last_mut().expect("never empty");
        match letter {
            '\\' if letters.peek() == Some(&',') => {
                item.push(',');
                letters.next();
            }
            ',' => items.push(String::new()),
            letter => item.push(letter),
        }
    }
    items.into_iter().map(|item| item.trim().to_owned()).filter(|item| !item.is_empty()).collect()
}
