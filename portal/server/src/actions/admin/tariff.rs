//! A tariff as operators write it in a form: words `name=number`, a line for each tier.

use crate::fault::Fault;
use crate::form::Form;
use contract::api::tariffs::{PlanTariff, PlanTier};
use contract::money::Usd;
use contract::rating::Volume;
use portal_app::text::tariffs as text;
use serde_json::{Map, Value};

/// What the form says; nothing when it is all empty.
///
/// # Errors
/// A refusal of the field that cannot be read.
pub fn read(form: &Form) -> Result<Option<PlanTariff>, Fault> {
    let complain = |field: &str, why: String| Fault::field(field, &why);
    let included = form.optional("included").unwrap_or_default();
    let included = volume(&included).map_err(|why| complain("included", why))?;
    let lines = form.optional("tiers").unwrap_or_default();
    let lines = lines.lines().map(str::trim).filter(|line| !line.is_empty());
    let tiers: Result<Vec<_>, String> = lines.map(tier).collect();
    let tiers = tiers.map_err(|why| complain("tiers", why))?;
    let minimum_usd = form.parse_optional::<Usd>("minimum_usd", text::MINIMUM_BAD)?;
    let read = PlanTariff { included, tiers, minimum_usd: minimum_usd.unwrap_or_default() };
    let nothing =
        PlanTariff { included: Volume::default(), tiers: Vec::new(), minimum_usd: Usd::default() };
    Ok((read != nothing).then_some(read))
}

/// The refusal in the form's own words.
#[must_use]
pub fn renamed(fault: Fault) -> Fault {
    fault
        .gathering("/tariff/included", "/included")
        .gathering("/tariff/tiers", "/tiers")
        .renaming("/tariff/minimum_usd", "/minimum_usd")
}

/// What is included, as it is written.
#[must_use]
pub fn volume_text(volume: &Volume) -> String {
    let Ok(Value::Object(members)) = serde_json::to_value(volume) else { return String::new() };
    let mut words = Vec::new();
    for (name, member) in &members {
        let inner = member.as_object().map(|inner| inner.iter().collect());
        for (name, count) in inner.unwrap_or_else(|| vec![(name, member)]) {
            if count.as_u64().is_some_and(|count| count > 0) {
                words.push(format!("{name}={count}"));
            }
        }
    }
    words.join(" ")
}

/// A tier a line, as they are written.
#[must_use]
pub fn tiers_text(tiers: &[PlanTier]) -> String {
    let line = |tier: &PlanTier| {
        let Ok(Value::Object(members)) = serde_json::to_value(tier) else { return String::new() };
        let word = |(name, value): (&String, &Value)| {
            let name = name.strip_suffix("_usd").unwrap_or(name);
            match value {
                Value::Null => None,
                Value::String(usd) => Some(format!("{name}={usd}")),
                number => Some(format!("{name}={number}")),
            }
        };
        members.iter().filter_map(word).collect::<Vec<_>>().join(" ")
    };
    tiers.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// Each `name=value`, no name twice.
fn words(line: &str) -> Result<Vec<(&str, &str)>, String> {
    let mut read: Vec<(&str, &str)> = Vec::new();
    for word in line.split([' ', '\t', ',', '\n', '\r']).filter(|word| !word.is_empty()) {
        let (name, value) = word
            .split_once('=')
            .filter(|(name, value)| !name.is_empty() && !value.is_empty())
            .ok_or_else(|| format!("Write name=number instead of {word}."))?;
        if read.iter().any(|(known, _)| *known == name) {
            return Err(format!("{name} is there twice."));
        }
        read.push((name, value));
    }
    Ok(read)
}

fn volume(line: &str) -> Result<Volume, String> {
    let mut all = serde_json::to_value(Volume::default()).unwrap_or_default();
    for (name, value) in words(line)? {
        let count: u64 = value.parse().map_err(|_| {
            format!("Write a whole number of 0 or more for {name} instead of {value}.")
        })?;
        let place = if name == "calls" { all.get_mut(name) } else { member(&mut all, name) };
        *place.ok_or_else(|| format!("There is nothing called {name} to include."))? = count.into();
    }
    serde_json::from_value(all).map_err(|error| format!("That cannot be read: {error}."))
}

/// A class of tokens, or a unit.
fn member<'a>(all: &'a mut Value, name: &str) -> Option<&'a mut Value> {
    let part = ["tokens", "units"].into_iter().find(|part| all[*part].get(name).is_some())?;
    all.get_mut(part)?.get_mut(name)
}

fn tier(line: &str) -> Result<PlanTier, String> {
    let mut members = Map::new();
    for (name, value) in words(line)? {
        if name == "above" {
            let above: u64 = value
                .parse()
                .map_err(|_| format!("Write a whole number for above instead of {value}."))?;
            members.insert(name.to_owned(), above.into());
            continue;
        }
        if !RATES.contains(&name) {
            return Err(format!("Tokens have no class called {name}: use {}.", RATES.join(", ")));
        }
        let usd: Usd =
            value.parse().map_err(|error| format!("{name}={value} is no price: {error}."))?;
        members.insert(format!("{name}_usd"), usd.to_string().into());
    }
    for needed in ["above", "input_usd", "output_usd"] {
        if !members.contains_key(needed) {
            let name = needed.strip_suffix("_usd").unwrap_or(needed);
            return Err(format!("Each tier says above, input and output; {name} is missing."));
        }
    }
    serde_json::from_value(members.into()).map_err(|error| format!("That cannot be read: {error}."))
}

/// What a tier may say a price of.
const RATES: [&str; 10] = [
    "input",
    "output",
    "cached_input",
    "cache_write",
    "cache_write_1h",
    "reasoning",
    "audio_input",
    "audio_output",
    "image_input",
    "image_output",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back_the_same() {
        let included = volume("calls=1000, input=5 cache_write_1h=7 audio_ms=9").unwrap();
        assert_eq!((included.calls, included.tokens.cache_write_1h), (1_000, 7));
        assert_eq!(volume(&volume_text(&included)).unwrap(), included);
        let first = tier("above=5000000 input=0.80 output=2.40 cached_input=0").unwrap();
        let second = tier("above=9000000 output=2 input=0.5").unwrap();
        let text = tiers_text(&[first.clone(), second.clone()]);
        let read: Vec<_> = text.lines().map(|line| tier(line).unwrap()).collect();
        assert_eq!(read, [first, second]);
    }

    #[test]
    fn what_cannot_be_read_is_named() {
        let fails = |line: &str, part: &str| {
            let why = volume(line).unwrap_err();
            assert!(why.contains(part), "{line}: {why}");
        };
        fails("input", "instead of input");
        fails("input=-1", "instead of -1");
        fails("input=1 input=2", "twice");
        fails("inputs=1", "called inputs");
        fails("tokens=1", "called tokens");
        fails("input=18446744073709551616", "18446744073709551616");
        for (line, part) in [
            ("above=5 input=1", "output is missing"),
            ("input=1 output=1", "above is missing"),
            ("above=x input=1 output=1", "above instead of x"),
            ("above=5 input=1e3 output=1", "input=1e3"),
            ("above=5 calls=1 input=1 output=1", "called calls"),
        ] {
            let why = tier(line).unwrap_err();
            assert!(why.contains(part), "{line}: {why}");
        }
    }
}
