//! Making a run that fails smaller.

use crate::scenario::Scenario;
use crate::violation::Property;

/// Number of runs spent on making a scenario smaller.
const TRIES: u32 = 60;

/// Finds a smaller scenario that breaks the same promise: fewer troubles, fewer conversations, a
/// shorter run.
pub(crate) fn shrink(scenario: &Scenario, property: Property) -> Scenario {
    let mut best = scenario.clone();
    let mut tries = 0;
    loop {
        let smaller = candidates(&best).into_iter().find(|candidate| {
            tries += 1;
            tries <= TRIES && crate::run(candidate).is_err_and(|it| it.property == property)
        });
        match smaller {
            Some(smaller) => best = smaller,
            None => return best,
        }
    }
}

fn candidates(scenario: &Scenario) -> Vec<Scenario> {
    let mut candidates = Vec::new();
    if scenario.length > 20 * scenario.interval {
        candidates.push(Scenario {
            length: scenario.length / 2,
            ..scenario.clone()
        });
    }
    if scenario.conversations > 1 {
        candidates.push(Scenario {
            conversations: scenario.conversations / 2,
            ..scenario.clone()
        });
    }
    candidates.extend(scenario.troubles.iter().map(|trouble| Scenario {
        troubles: scenario.troubles.without(trouble),
        ..scenario.clone()
    }));
    candidates.extend(scenario.feeds.iter().map(|without| {
        let mut smaller = scenario.clone();
        smaller.feeds.retain(|kind| kind != without);
        smaller
    }));
    if scenario.hints {
        candidates.push(Scenario {
            hints: false,
            ..scenario.clone()
        });
    }
    if scenario.messages_per_hour > 10 {
        candidates.push(Scenario {
            messages_per_hour: scenario.messages_per_hour / 2,
            ..scenario.clone()
        });
    }
    candidates
}
