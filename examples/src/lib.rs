//! What the examples share: the data of a believable payments platform.

mod names;
mod platform;

pub use platform::Platform;

#[cfg(test)]
mod tests {
    use std::path::Path;

    use segmentry::{Operation, RuleParser};

    #[test]
    fn the_seven_rules_are_good() {
        let mut differences = 0;
        let mut count = 0;
        for entry in Path::new(env!("CARGO_MANIFEST_DIR")).join("rules").read_dir().unwrap() {
            let path = entry.unwrap().path();
            let text = std::fs::read_to_string(&path).unwrap();
            let rule = RuleParser::parse(&text).unwrap_or_else(|e| panic!("{path:?}: {e:?}"));
            differences += usize::from(rule.operation == Some(Operation::Difference));
            count += 1;
        }
        assert_eq!((count, differences), (7, 1));
    }
}
