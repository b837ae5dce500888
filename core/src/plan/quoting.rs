//! Quotes in written SQL. sqlparser writes a string whose quotes are doubled, or come after a
//! backslash, as if they were escaped already: `\'; DROP TABLE t; --` would end its own literal. What
//! it is handed here is escaped, so that it finds nothing to add and leaves nothing out.

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    Expr, Ident, ObjectName, ObjectNamePart, Select, SelectItem, SelectItemQualifiedWildcardKind,
    TableAlias, TableFactor, Value, ValueWithSpan, VisitMut, VisitorMut,
};

use super::Dialect;

/// What can't be written at all.
pub(super) type Refused = ControlFlow<&'static str>;

/// Escapes every string and every quoted name in a part of a statement.
pub(super) fn escape(part: &mut impl VisitMut, dialect: Dialect) -> Refused {
    part.visit(&mut Quotes { dialect })
}

struct Quotes {
    dialect: Dialect,
}

impl Quotes {
    /// A text of NUL ends early in C programs, and PostgreSQL has none.
    fn check(&self, text: &str) -> Refused {
        match text.contains('\0') && self.dialect != Dialect::DataFusion {
            true => ControlFlow::Break("a text or name with the character NUL"),
            false => ControlFlow::Continue(()),
        }
    }

    fn name(&self, name: &mut Ident) -> Refused {
        self.check(&name.value)?;
        if let Some(quote) = name.quote_style {
            name.value = name.value.replace(quote, &String::from_iter([quote, quote]));
        }
        ControlFlow::Continue(())
    }

    fn alias(&self, alias: &mut Option<TableAlias>) -> Refused {
        let Some(alias) = alias else { return ControlFlow::Continue(()) };
        self.name(&mut alias.name)?;
        alias.columns.iter_mut().try_for_each(|column| self.name(&mut column.name))
    }

    fn object(&self, name: &mut ObjectName) -> Refused {
        name.0.iter_mut().try_for_each(|part| match part {
            ObjectNamePart::Identifier(name) => self.name(name),
            ObjectNamePart::Function(_) => ControlFlow::Continue(()),
        })
    }
}

impl VisitorMut for Quotes {
    type Break = &'static str;

    fn pre_visit_select(&mut self, select: &mut Select) -> Refused {
        select.projection.iter_mut().try_for_each(|item| match item {
            SelectItem::ExprWithAlias { alias, .. } => self.name(alias),
            SelectItem::QualifiedWildcard(SelectItemQualifiedWildcardKind::ObjectName(name), _) => {
                self.object(name)
            }
            _ => ControlFlow::Continue(()),
        })
    }

    fn pre_visit_relation(&mut self, relation: &mut ObjectName) -> Refused {
        self.object(relation)
    }

    fn pre_visit_table_factor(&mut self, table: &mut TableFactor) -> Refused {
        match table {
            TableFactor::Table { alias, .. } | TableFactor::Derived { alias, .. } => {
                self.alias(alias)
            }
            _ => ControlFlow::Continue(()),
        }
    }

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> Refused {
        match expr {
            Expr::Identifier(name) => self.name(name),
            Expr::CompoundIdentifier(names) => {
                names.iter_mut().try_for_each(|name| self.name(name))
            }
            _ => ControlFlow::Continue(()),
        }
    }

    fn pre_visit_value(&mut self, value: &mut ValueWithSpan) -> Refused {
        if let Value::SingleQuotedString(text) = &mut value.value {
            self.check(text)?;
            *text = match self.dialect {
                // Spark reads backslashes, and takes '' for the end of one string and the beginning
                // of another unless it is set otherwise.
                Dialect::Spark => text.replace('\\', r"\\").replace('\'', r"\'"),
                _ => text.replace('\'', "''"),
            };
        }
        ControlFlow::Continue(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn literal(text: &str, dialect: Dialect) -> String {
        let mut value = Expr::value(Value::SingleQuotedString(text.to_owned()));
        assert!(escape(&mut value, dialect).is_continue(), "{text:?}");
        value.to_string()
    }

    #[test]
    fn quotes_do_not_end_what_they_are_in() {
        for (text, written) in [
            ("it's", "'it''s'"),
            ("''", "''''''"),
            (r"\'; DROP TABLE t; --", r"'\''; DROP TABLE t; --'"),
            (r"\''", r"'\'''''"),
            (r"\", r"'\'"),
            ("'", "''''"),
        ] {
            for dialect in
                [Dialect::DataFusion, Dialect::Postgres, Dialect::Sqlite, Dialect::DuckDb]
            {
                assert_eq!(literal(text, dialect), written, "{dialect}");
            }
        }
        assert_eq!(literal(r"it's \'", Dialect::Spark), r"'it\'s \\\''");
        assert_eq!(literal(r"''\", Dialect::Spark), r"'\'\'\\'");
        for (name, written) in
            [(r#"a"b"#, r#""a""b""#), (r#"\"; --"#, r#""\""; --""#), (r#""""#, r#""""""""#)]
        {
            let mut ident = Expr::Identifier(Ident::with_quote('"', name));
            assert!(escape(&mut ident, Dialect::Sqlite).is_continue());
            assert_eq!(ident.to_string(), written);
        }
    }

    #[test]
    fn nul_is_not_written() {
        for dialect in [Dialect::Postgres, Dialect::Sqlite, Dialect::DuckDb, Dialect::Spark] {
            let mut value = Expr::value(Value::SingleQuotedString("a\0b".to_owned()));
            assert!(escape(&mut value, dialect).is_break());
            let mut name = Expr::Identifier(Ident::with_quote('"', "a\0b"));
            assert!(escape(&mut name, dialect).is_break());
        }
        assert_eq!(literal("a\0b", Dialect::DataFusion), "'a\0b'");
    }
}
