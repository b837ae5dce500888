//! Sequences: one event after another, each within a time of the one before.

use super::condition::Scope;
use super::data::Data;
use super::events::{Filter, entries};
use super::json::Json;
use super::test::{Clock, operator};
use super::time::Duration;
use super::{OracleError, failed};

#[derive(Debug)]
pub struct Sequence {
    steps: Vec<Step>,
    negative: bool,
    clock: Clock,
}

#[derive(Debug)]
struct Step {
    filter: Filter,
    within: Option<Duration>,
}

impl Sequence {
    pub fn parse(json: &Json, scope: &Scope<'_>) -> Result<Sequence, OracleError> {
        let negative = match operator(json.text_of("operator")?.unwrap_or("did")).as_str() {
            "did" => false,
            "didnot" => true,
            other => return failed("bad_operator", format!("{other:?} on a sequence")),
        };
        // the window is the sequence's, and every step lies in it
        let window: Vec<(String, Json)> = json
            .get("window")
            .map(|window| ("window".to_owned(), window.clone()))
            .into_iter()
            .collect();
        let window = Json::Object(window);
        let mut steps = Vec::new();
        for step in json.get("sequence").expect("a sequence").list()? {
            let Some(events) = step.get("events") else {
                return failed("missing_member", "a step without events");
            };
            let within = step.text_of("within")?.map(Duration::parse).transpose()?;
            if steps.is_empty() && within.is_some() {
                return failed("bad_value", "the first step comes after nothing");
            }
            let filter = Filter::parse(entries(events, scope.data())?, &[step, &window], scope)?;
            steps.push(Step { filter, within });
        }
        if !(2..=10).contains(&steps.len()) {
            return failed("limit_exceeded", "a sequence has 2 to 10 steps");
        }
        Ok(Sequence { steps, negative, clock: scope.clock })
    }

    pub fn holds(&self, data: &Data, user: usize) -> Result<bool, OracleError> {
        // the instants at which a chain of the steps so far may end
        let mut ends: Option<Vec<i64>> = None;
        for step in &self.steps {
            let mut reached = Vec::new();
            for event in step.filter.keep(data, user)? {
                let follows = |before: &i64| {
                    let in_time = step
                        .within
                        .is_none_or(|within| event.at <= within.after(self.clock.zone, *before));
                    *before < event.at && in_time
                };
                if ends.as_ref().is_none_or(|ends| ends.iter().any(follows)) {
                    reached.push(event.at);
                }
            }
            ends = Some(reached);
        }
        let did = ends.is_some_and(|ends| !ends.is_empty());
        Ok(did != self.negative)
    }
}
